extension ExplorerScript {
  /// Lines over steps, and values with their intervals.
  static let charts = #"""
    // The beginning and the end of a text that is too long.
    const fitted = (text, length) => text.length > length ? `${text.slice(0, Math.ceil(length / 2) - 1)}…${text.slice(1 - Math.floor(length / 2))}` : text;

    // Series of points [x, y], or [x, y, half the width of an interval], with a mark at an x where one is given.
    function lineChart({ title, xName, yName, series, mark }) {
      const points = series.flatMap(one => one.points);
      const span = values => {
        let least = Math.min(...values), greatest = Math.max(...values);
        if (least === greatest) { const room = Math.abs(least) / 2 || 1; least -= room; greatest += room; }
        return [least, greatest];
      };
      const [x0, x1] = span(points.map(point => point[0]));
      let [y0, y1] = span(points.flatMap(point => [point[1] - (point[2] ?? 0), point[1] + (point[2] ?? 0)]));
      const room = (y1 - y0) * 0.05;
      y0 -= room; y1 += room;
      const frame = { left: 78, top: 40, width: 420, height: 200 };
      const x = value => frame.left + frame.width * (value - x0) / (x1 - x0);
      const y = value => frame.top + frame.height * (1 - (value - y0) / (y1 - y0));
      const parts = [label(fitted(title, 58), 14, 24, { class: 'title' })];
      for (const value of ticks(y0, y1, 4)) {
        parts.push(draw('line', { class: 'grid', x1: frame.left, x2: frame.left + frame.width, y1: y(value), y2: y(value) }),
          label(tickLabel(value, y1 - y0), frame.left - 6, y(value) + 4, { class: 'tick', 'text-anchor': 'end' }));
      }
      for (const value of ticks(x0, x1, 5)) {
        parts.push(label(tickLabel(value, x1 - x0), x(value), frame.top + frame.height + 16, { class: 'tick', 'text-anchor': 'middle' }));
      }
      if (mark !== undefined && mark >= x0 && mark <= x1) {
        parts.push(draw('line', { class: 'guide', x1: x(mark), x2: x(mark), y1: frame.top, y2: frame.top + frame.height }));
      }
      series.forEach((one, place) => {
        const steps = one.points.map((point, number) => `${number ? 'L' : 'M'}${x(point[0]).toFixed(1)} ${y(point[1]).toFixed(1)}`).join('');
        parts.push(draw('path', { class: `series line${place % 7}${place % 14 > 6 ? ' dashed' : ''}`, d: steps }));
        if (one.points.length <= 200) {
          for (const point of one.points) {
            if (point[2]) {
              const [from, to] = [y(point[1] - point[2]), y(point[1] + point[2])];
              parts.push(draw('path', { class: 'interval', d: `M${x(point[0]) - 3} ${from}h6m-3 0V${to}m-3 0h6` }));
            }
            parts.push(draw('circle', { class: `area${place % 7}`, cx: x(point[0]), cy: y(point[1]), r: 2.5 },
              draw('title', {}, `${one.name}: ${short(point[0], 6)}, ${short(point[1], 4)}`)));
          }
        }
      });
      parts.push(draw('rect', { class: 'frame', x: frame.left, y: frame.top, width: frame.width, height: frame.height }),
        label(xName, frame.left + frame.width / 2, frame.top + frame.height + 36, { 'text-anchor': 'middle' }),
        label(yName, 16, frame.top + frame.height / 2, { 'text-anchor': 'middle', transform: `rotate(-90 16 ${frame.top + frame.height / 2})` }));
      let height = frame.top + frame.height + 48;
      if (series.length > 1) {
        series.forEach((one, place) => {
          parts.push(draw('line', { class: `series line${place % 7}`, x1: frame.left, x2: frame.left + 22, y1: height, y2: height }),
            label(one.name, frame.left + 30, height + 4));
          height += 19;
        });
      }
      return chart(frame.left + frame.width + 20, height, title, ...parts);
    }

    // Values under one another, each a point with its interval: [{ name, value, error }].
    function intervalChart(title, entries, valueName) {
      const nameWidth = 190, width = 320, rowHeight = 22, top = 40;
      const ends = entries.flatMap(one => [one.value - (one.error ?? 0), one.value + (one.error ?? 0)]);
      let least = Math.min(0, ...ends), greatest = Math.max(0, ...ends);
      if (least === greatest) greatest = 1;
      const x = value => nameWidth + 14 + width * (value - least) / (greatest - least);
      const height = top + entries.length * rowHeight;
      const parts = [label(fitted(title, 58), 14, 24, { class: 'title' })];
      for (const value of ticks(least, greatest, 4)) {
        parts.push(draw('line', { class: 'grid', x1: x(value), x2: x(value), y1: top - 4, y2: height }),
          label(tickLabel(value, greatest - least), x(value), height + 16, { class: 'tick', 'text-anchor': 'middle' }));
      }
      parts.push(draw('line', { class: 'axis', x1: x(0), x2: x(0), y1: top - 4, y2: height }));
      entries.forEach((one, place) => {
        const y = top + place * rowHeight + 8;
        parts.push(label(fitted(one.name, 29), nameWidth, y + 4, { 'text-anchor': 'end' }));
        if (one.error) {
          const [from, to] = [x(one.value - one.error), x(one.value + one.error)];
          parts.push(draw('path', { class: 'interval', d: `M${from} ${y - 4}v8m0 -4H${to}m0 -4v8` }));
        }
        parts.push(draw('circle', { class: `area${one.color}`, cx: x(one.value), cy: y, r: 4 }, draw('title', {}, `${one.name}: ${short(one.value)}`)));
      });
      parts.push(label(valueName, nameWidth + 14 + width / 2, height + 36, { 'text-anchor': 'middle' }));
      return chart(nameWidth + width + 40, height + 48, title, ...parts);
    }

    function pictureFigure(svg, caption) {
      const title = svg.querySelector('title').textContent;
      return el('figure', {}, el('div', { class: 'scroll' }, svg), el('figcaption', {}, caption ?? '', ' ', saveButtons(title, () => svg)));
    }
    """#
}
