/// The page's style: light and dark, on paper, at any width.
enum PageStyle {
  static let whole = [basics, tables, pictures, explorer, small, paper].joined(separator: "\n")

  private static let basics = """
    :root{color-scheme:light dark;--ink:#1f2328;--quiet:#57606a;--page:#fff;--line:#d0d7de;--shade:#f6f8fa;--link:#0969da;--less:#4393c3;--more:#f08a3c}
    @media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--quiet:#9da7b1;--page:#0d1117;--line:#30363d;--shade:#161b22;--link:#58a6ff;--less:#2e78be;--more:#be6014}}
    *{box-sizing:border-box}
    [hidden]{display:none!important}
    body{margin:0 auto;max-width:1560px;padding:24px 32px 64px;background:var(--page);color:var(--ink);
    font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Noto Sans CJK SC",sans-serif;overflow-wrap:anywhere}
    h1{font-size:26px;margin:0}h2{font-size:20px;margin:40px 0 8px;padding-top:12px;border-top:1px solid var(--line)}
    h3{font-size:17px;margin:20px 0 6px}h4{font-size:15px;margin:18px 0 4px}
    .subtitle,figcaption,caption,summary,.about{color:var(--quiet)}
    .summary{font-size:17px;margin:10px 0}
    p{max-width:80ch}a{color:var(--link)}.contents a{margin-right:14px}
    .scroll{overflow-x:auto}
    button{font:inherit;font-size:13px;color:var(--ink);background:var(--shade);border:1px solid var(--line);border-radius:6px;padding:3px 10px;cursor:pointer}
    :focus-visible{outline:2px solid var(--link);outline-offset:1px}
    """

  private static let tables = """
    table{border-collapse:collapse;margin:12px 0;font-size:14px}
    caption{text-align:left;padding-bottom:4px}
    th,td{padding:4px 12px;border-bottom:1px solid var(--line);text-align:left;vertical-align:top;max-width:60ch}
    th{background:var(--shade);vertical-align:bottom;overflow-wrap:normal;font-weight:600}
    td{overflow-wrap:break-word}.settings td{overflow-wrap:anywhere}
    .number{text-align:right;font-variant-numeric:tabular-nums}td.number,td.short{white-space:nowrap}
    .here td{background:var(--shade);font-weight:600}
    .sort{all:unset;cursor:pointer;font-weight:600}.sort:focus-visible{outline:2px solid var(--link)}
    th[aria-sort=ascending]::after{content:" ▲"}th[aria-sort=descending]::after{content:" ▼"}
    .fold{margin-bottom:12px}
    .settings td{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:12px}
    """

  private static let pictures = """
    figure{margin:16px 0;break-inside:avoid}figcaption{font-size:13px}
    .scroll>svg{max-width:max(100%,900px);height:auto}
    .save{white-space:nowrap}.save button{font-size:12px;padding:1px 8px;margin-left:6px}
    """

  private static let explorer = """
    #explore{margin-top:28px}
    .crumbs ol{display:flex;flex-wrap:wrap;list-style:none;margin:8px 0;padding:6px 0;gap:4px}
    .crumbs{position:sticky;top:0;background:var(--page);z-index:1;border-bottom:1px solid var(--line)}
    .crumbs li+li::before{content:"›";margin:0 8px 0 4px;color:var(--quiet)}
    .crumbs [aria-current]{color:var(--ink);font-weight:600;text-decoration:none}
    .panel h3{scroll-margin-top:56px}@media(max-width:600px){.panel h3{scroll-margin-top:88px}}.panel h3:focus-visible{outline-offset:4px}
    .tasks{columns:320px;gap:32px;padding-left:0;list-style:none}
    .tasks a{display:block;padding:6px 10px;border:1px solid var(--line);border-radius:6px;margin-bottom:8px;text-decoration:none;break-inside:avoid}
    .tasks [aria-current]{border-color:var(--link);box-shadow:inset 4px 0 var(--link)}
    .maps{display:flex;flex-wrap:wrap;gap:24px;align-items:flex-start}.explored{margin:8px 0;max-width:100%}.explored h4{margin-top:4px}
    .explored .about{margin:2px 0;font-size:13px}
    .side{display:inline-block;border:1px solid var(--line);border-radius:10px;padding:0 9px;margin-right:8px;font-size:13px;font-weight:600;background:var(--shade)}
    .tools{display:flex;flex-wrap:wrap;gap:6px;margin:6px 0}.tools .save button{font-size:13px;padding:3px 10px;margin:0 6px 0 0}
    .map-scroll{overflow:auto;max-height:80vh;max-width:100%}.map-scroll>svg{max-width:none;height:auto;display:block;cursor:pointer;touch-action:pan-x pan-y}
    .readout{margin:4px 0;min-height:1.6em;font-variant-numeric:tabular-nums}.strongest{margin:2px 0}
    .steps{display:flex;align-items:center;gap:12px;margin:6px 0}.steps input{width:min(420px,60vw)}
    .headway-chart .cursor{fill:none;stroke:#1f2328;stroke-width:2;stroke-dasharray:3 3}.headway-chart .cursor.under{stroke:#fff;stroke-dasharray:none}.headway-chart .chosen{fill:none;stroke:#cf222e;stroke-width:3}
    @media (prefers-color-scheme:dark){.headway-chart .chosen{stroke:#ff7b72}}
    .map-scroll>.headway-chart .figure{paint-order:stroke;stroke:var(--page);stroke-width:3px;fill:var(--ink);pointer-events:none}
    .map-scroll>svg:focus-visible{outline-offset:-2px}
    .samples{margin:4px 0 8px}
    .passage{max-width:100ch;white-space:pre-wrap;line-height:2;border:1px solid var(--line);border-radius:6px;padding:10px 14px;font-size:16px}
    .token{border-radius:3px;print-color-adjust:exact;-webkit-print-color-adjust:exact}.passage .token{cursor:pointer}
    .token.less{background:color-mix(in srgb,var(--less) var(--share),transparent)}
    .token.more{background:color-mix(in srgb,var(--more) var(--share),transparent)}
    .token.leading{border-bottom:3px solid var(--ink)}.token.more.leading{border-bottom-style:dotted}
    .token.learned{font-weight:700}
    .token[aria-pressed=true]{outline:3px solid var(--link)}
    .legend{font-size:13px;line-height:2}
    """

  private static let small = """
    @media (max-width:640px){body{padding:14px 14px 48px}h1{font-size:22px}.summary{font-size:16px}th,td{padding:4px 7px}.contents a{display:inline-block}
    .scroll>svg{max-width:max(100%,620px)}.map-scroll>svg{max-width:none}button{padding:6px 12px}.save button{padding:4px 10px}.maps{flex-direction:column}}
    """

  private static let paper = """
    @media print{body{max-width:none;padding:0;font-size:11pt}.contents,.crumbs,.tools,.save,.hint,.fold,.readout:not(.token-readout),script{display:none!important}.scroll,.map-scroll{overflow:visible;max-height:none}
    .scroll>svg,.map-scroll>svg{max-width:100%;height:auto}details::details-content{content-visibility:visible}h2,h3,h4{break-after:avoid}
    table{font-size:8.5pt}th,td{padding:3px 6px}td.number,td.short{white-space:normal}tr{break-inside:avoid}.settings td{font-size:7pt}
    .tasks a{padding:2px 6px}.headway-chart .cursor{display:none}th[aria-sort]::after{content:none}}
    """
}
