"""A line chart as SVG, in the colours of Headway's own charts, for light and dark pages."""
import math

STYLE = """.headway-chart text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;fill:#1f2328;font-size:12px}
.headway-chart .title{font-size:15px;font-weight:600}.headway-chart .tick{font-size:11px;fill:#57606a}
.headway-chart .page{fill:#ffffff}.headway-chart .axis{stroke:#8c959f}.headway-chart .grid{stroke:#d0d7de}
.headway-chart .series{fill:none;stroke-width:2;stroke-linejoin:round}.headway-chart .dashed{stroke-dasharray:6 3}
.line0{stroke:#0072b2}.line1{stroke:#d55e00}.line2{stroke:#009e73}.line3{stroke:#8a6d00}
@media (prefers-color-scheme:dark){
.headway-chart text{fill:#e6edf3}.headway-chart .tick{fill:#9da7b1}.headway-chart .page{fill:#0d1117}.headway-chart .axis{stroke:#6e7681}.headway-chart .grid{stroke:#30363d}
.line0{stroke:#56b4e9}.line1{stroke:#ff8c3a}.line2{stroke:#2fd0a0}.line3{stroke:#f0d04a}
}
@media print{.headway-chart .page{fill:none}}"""
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 660, 340, 62, 46, 196, 50


def chart(title, x_title, y_title, series, xs, ys):
    """Lines over a logarithmic x axis. `series`: (name, points, colour 0–3, dashed); `xs`: ticks of x; `ys`: (value, text) of y, logarithmic where the first is above 0."""
    log = ys[0][0] > 0
    scale = (lambda v: math.log(v)) if log else (lambda v: v)
    low, high = scale(ys[0][0]), scale(ys[-1][0])
    px = lambda v: LEFT + (WIDTH - LEFT - RIGHT) * math.log(v / xs[0]) / math.log(xs[-1] / xs[0])
    py = lambda v: HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (scale(v) - low) / (high - low)
    right, bottom = px(xs[-1]), HEIGHT - BOTTOM
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" class="headway-chart" role="img" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">', f"<title>{title}</title>",
           f"<style>\n{STYLE}\n</style>", f'<rect class="page" width="{WIDTH}" height="{HEIGHT}"/>', f'<text class="title" x="{LEFT}" y="24">{title}</text>']
    for value, text in ys:
        out.append(f'<line class="grid" x1="{LEFT}" y1="{py(value):.1f}" x2="{right:.1f}" y2="{py(value):.1f}"/><text class="tick" x="{LEFT - 8}" y="{py(value) + 4:.1f}" text-anchor="end">{text}</text>')
    for value in xs:
        out.append(f'<line class="axis" x1="{px(value):.1f}" y1="{bottom}" x2="{px(value):.1f}" y2="{bottom + 5}"/><text class="tick" x="{px(value):.1f}" y="{bottom + 18}" text-anchor="middle">{value:,}</text>')
    out.append(f'<line class="axis" x1="{LEFT}" y1="{bottom}" x2="{right:.1f}" y2="{bottom}"/>')
    out.append(f'<text x="{(LEFT + right) / 2:.1f}" y="{HEIGHT - 10}" text-anchor="middle">{x_title}</text>')
    out.append(f'<text x="16" y="{(TOP + bottom) / 2}" text-anchor="middle" transform="rotate(-90 16 {(TOP + bottom) / 2})">{y_title}</text>')
    # Names stand beside the ends of their lines, moved apart where they would meet.
    places = sorted((py(points[-1][1]), name) for name, points, *_ in series)
    at, last = {}, -math.inf
    for place, name in places:
        at[name] = last = max(place, last + 15)
    for name, points, colour, dashed in series:
        line = "L".join(f"{px(x):.1f} {py(y):.1f}" for x, y in points)
        kind = f'class="series line{colour}{" dashed" if dashed else ""}"'
        out.append(f'<path {kind} d="M{line}"/><path {kind} d="M{right + 8:.1f} {at[name]:.1f}h16"/><text x="{right + 29:.1f}" y="{at[name] + 4:.1f}">{name}</text>')
    return "\n".join(out + ["</svg>", ""])
