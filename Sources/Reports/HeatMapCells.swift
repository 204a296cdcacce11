/// The cells of one map.
///
/// A cell is an element with its tooltip where the picture has few of them. Forty maps of 80 × 64 heads would be 200,000 elements, which
/// browsers lay out and print slowly; then all cells of one colour are one path, and a script in the picture shows the values.
struct HeatMapCells {
  /// The most cells of a picture that are elements of their own.
  static let mostElements = 16_384

  let panel: HeatMap.Panel
  let scale: ColorScale

  /// Draws every cell as a square of `size` pixels from the corner (`left`, `top`).
  func drawElements(left: Double, top: Double, size: Double, on canvas: inout SVGCanvas) {
    for layer in 0..<max(0, panel.layers) {
      for head in 0..<max(0, panel.heads) {
        let value = value(layer, head)
        canvas.rectangle(
          x: left + Double(head) * size, y: top + Double(layer) * size, width: size, height: size, style: "cell \(scale.style(value))",
          tooltip:
            "layer \(layer), head \(head): \(value.map { NumberText.short($0) } ?? "undefined")\(scale.isBeyond(value) ? ", beyond the scale" : "")"
        )
      }
    }
  }

  /// Draws the cells of each colour as one path, neighbours in a layer as one oblong, and an area that knows the values.
  func drawPaths(left: Double, top: Double, size: Double, on canvas: inout SVGCanvas) {
    var paths: [String: String] = [:]
    for layer in 0..<max(0, panel.layers) {
      var head = 0
      while head < panel.heads {
        let style = scale.style(value(layer, head))
        let first = head
        repeat { head += 1 } while head < panel.heads && scale.style(value(layer, head)) == style
        paths[style, default: ""] += "M\(first) \(layer)h\(head - first)v1h-\(head - first)z"
      }
    }
    canvas.group(left: left, top: top, scale: size) { canvas in
      for (style, steps) in paths.sorted(by: { $0.key < $1.key }) { canvas.path(steps: steps, style: "cells \(style)") }
    }
    let texts = (0..<max(0, panel.layers * panel.heads)).map { position in
      value(position / panel.heads, position % panel.heads).map { NumberText.short($0, digits: 3) } ?? "undefined"
    }
    canvas.area(
      x: left, y: top, width: size * Double(panel.heads), height: size * Double(panel.layers), style: "values",
      data: [("layers", "\(panel.layers)"), ("heads", "\(panel.heads)"), ("values", texts.joined(separator: " "))])
  }

  /// Marks the cells whose value lies beyond the scale: a corner of each.
  func drawMarks(left: Double, top: Double, size: Double, on canvas: inout SVGCanvas) {
    var steps = ""
    for layer in 0..<max(0, panel.layers) {
      for head in 0..<max(0, panel.heads) where scale.isBeyond(value(layer, head)) {
        steps += Self.mark(right: left + Double(head + 1) * size, top: top + Double(layer) * size, size: max(2, size * 0.45))
      }
    }
    if !steps.isEmpty { canvas.path(steps: steps, style: "beyond") }
  }

  /// The mark of a value beyond the scale, in the upper right corner.
  static func mark(right: Double, top: Double, size: Double) -> String {
    "M\(SVGCanvas.number(right - size)) \(SVGCanvas.number(top))h\(SVGCanvas.number(size))v\(SVGCanvas.number(size))z"
  }

  /// The value of a head; nil where undefined.
  private func value(_ layer: Int, _ head: Int) -> Double? {
    let position = layer * panel.heads + head
    return position < panel.values.count ? panel.values[position].flatMap { $0.isFinite ? $0 : nil } : nil
  }

  /// The tip that the script moves, and the script. It uses neither `<` nor `&`, which XML and HTML would read differently.
  static let tip = """
    <g class="tip" visibility="hidden"><rect width="10" height="22" rx="3"/><text class="label" x="7" y="15"></text></g>
    <script>
    (() => {
      const picture = document.currentScript.ownerSVGElement;
      const tip = picture.querySelector('.tip'), box = tip.querySelector('rect'), text = tip.querySelector('text');
      for (const map of picture.querySelectorAll('.values')) {
        const layers = Number(map.dataset.layers), heads = Number(map.dataset.heads), values = map.dataset.values.split(' ');
        map.addEventListener('mouseleave', () => tip.setAttribute('visibility', 'hidden'));
        map.addEventListener('mousemove', event => {
          const area = map.getBoundingClientRect(), place = map.getBBox(), whole = picture.viewBox.baseVal;
          const across = (event.clientX - area.left) / area.width, down = (event.clientY - area.top) / area.height;
          const head = Math.max(0, Math.min(heads - 1, Math.floor(across * heads)));
          const layer = Math.max(0, Math.min(layers - 1, Math.floor(down * layers)));
          text.textContent = 'layer ' + layer + ', head ' + head + ': ' + values[layer * heads + head];
          const width = text.getComputedTextLength() + 14;
          box.setAttribute('width', width);
          const x = Math.max(0, Math.min(whole.width - width, place.x + across * place.width + 10));
          const y = Math.max(0, place.y + down * place.height - 30);
          tip.setAttribute('transform', 'translate(' + x + ' ' + y + ')');
          tip.setAttribute('visibility', 'visible');
        });
      }
    })();
    </script>

    """
}
