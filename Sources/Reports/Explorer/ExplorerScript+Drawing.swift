/// The parts of the page's script that let a reader go from tasks to tokens.
enum ExplorerScript {
  /// Elements, numbers, colours.
  static let drawing = #"""
    const svgSpace = 'http://www.w3.org/2000/svg';

    function fill(node, attributes, children) {
      for (const [name, value] of Object.entries(attributes)) {
        if (value === false || value === null || value === undefined) continue;
        node.setAttribute(name, value === true ? '' : String(value));
      }
      // Strings become text nodes: nothing in them is markup.
      node.append(...children.flat().filter(child => child !== null && child !== undefined && child !== false));
      return node;
    }
    const el = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);
    const draw = (name, attributes = {}, ...children) => fill(document.createElementNS(svgSpace, name), attributes, children);

    // Three significant digits, as print has them.
    function short(value, digits = 3) {
      if (value === null || value === undefined || !Number.isFinite(value)) return '–';
      const size = Math.abs(value);
      const text = value === 0 ? '0' : size >= 1e5 || size < 1e-4 ? value.toExponential(digits - 1) : String(Number(value.toPrecision(digits)));
      return text.replaceAll('-', '−');
    }
    const percent = share => `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)}%`;
    const headName = head => `${head[0]}:${head[1]}`;
    const headWords = head => `layer ${head[0]}, head ${head[1]}`;

    const isBeyond = (scale, value) => value !== null && (value < scale.least || value > scale.greatest);
    function colorStep(scale, value) {
      if (value === null || !Number.isFinite(value)) return 'undefined';
      const place = Math.max(0, Math.min(1, (value - scale.least) / (scale.greatest - scale.least)));
      return scale.kind + Math.round(place * scale.steps);
    }

    // 1, 2 or 5 times a power of ten apart.
    function ticks(least, greatest, count) {
      const rough = (greatest - least) / count;
      if (!(rough > 0)) return [least];
      const power = 10 ** Math.floor(Math.log10(rough));
      const step = power * [1, 2, 5, 10].find(times => times * power >= rough * 0.999);
      const values = [];
      for (let place = Math.ceil(least / step - 1e-9); place * step <= greatest + step * 1e-9; place++) values.push(place * step);
      return values;
    }
    const tickLabel = (value, span) => short(Math.abs(value) < span * 1e-9 ? 0 : value);

    function chart(width, height, title, ...children) {
      return draw('svg', { class: 'headway-chart', role: 'img', width, height, viewBox: `0 0 ${width} ${height}` },
        draw('title', {}, title), draw('rect', { class: 'page', width, height }), ...children);
    }
    const label = (text, x, y, attributes = {}) => draw('text', { class: 'label', x, y, ...attributes }, text);
    """#
}
