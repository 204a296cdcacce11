extension ExplorerScript {
  /// A heat map that is clicked, walked by keys and zoomed.
  static let maps = #"""
    // The cells of each colour as one path: 80 × 64 heads would be slow as elements.
    function mapContents(map, cell, left, top) {
      const paths = new Map();
      let marks = '';
      for (let layer = 0; layer < map.layers; layer++) {
        for (let head = 0; head < map.heads; head++) {
          const value = map.values[layer * map.heads + head];
          const style = colorStep(map.scale, value);
          paths.set(style, (paths.get(style) ?? '') + `M${left + head * cell} ${top + layer * cell}h${cell}v${cell}h${-cell}z`);
          if (isBeyond(map.scale, value)) {
            const size = Math.max(2, cell * 0.4);
            marks += `M${left + (head + 1) * cell - size} ${top + layer * cell}h${size}v${size}z`;
          }
        }
      }
      const parts = [...paths].map(([style, steps]) => draw('path', { class: `cells ${style}`, d: steps }));
      if (marks) parts.push(draw('path', { class: 'beyond', d: marks }));
      parts.push(draw('rect', { class: 'frame', x: left, y: top, width: cell * map.heads, height: cell * map.layers }));
      const every = (count, apart) => [1, 2, 4, 5, 8, 10, 16, 20, 32, 40, 64].find(step => step * cell >= apart) ?? count;
      for (let layer = 0; layer < map.layers; layer += every(map.layers, 15)) {
        parts.push(label(String(layer), left - 5, top + (layer + 0.5) * cell + 4, { class: 'tick', 'text-anchor': 'end' }));
      }
      for (let head = 0; head < map.heads; head += every(map.heads, 22)) {
        parts.push(label(String(head), left + (head + 0.5) * cell, top + map.layers * cell + 14, { class: 'tick', 'text-anchor': 'middle' }));
      }
      parts.push(label('head', left + map.heads * cell / 2, top + map.layers * cell + 30, { 'text-anchor': 'middle' }),
        label('layer', 12, top + map.layers * cell / 2, { 'text-anchor': 'middle', transform: `rotate(-90 12 ${top + map.layers * cell / 2})` }));
      return parts;
    }

    // The scale, lying, with its ends and what lies beyond it.
    function scaleParts(map, left, top, width) {
      const scale = map.scale, slice = width / (scale.steps + 1);
      const parts = [];
      for (let step = 0; step <= scale.steps; step++) {
        parts.push(draw('rect', { class: scale.kind + step, x: left + step * slice, y: top, width: slice + 0.5, height: 12 }));
      }
      parts.push(draw('rect', { class: 'frame', x: left, y: top, width, height: 12 }));
      for (const value of ticks(scale.least, scale.greatest, 5)) {
        const x = left + width * (value - scale.least) / (scale.greatest - scale.least);
        parts.push(draw('line', { class: 'axis', x1: x, x2: x, y1: top + 12, y2: top + 16 }),
          label(tickLabel(value, scale.greatest - scale.least), x, top + 28, { class: 'tick', 'text-anchor': 'middle' }));
      }
      return parts;
    }
    function beyondText(map) {
      const beyond = map.values.filter(value => isBeyond(map.scale, value));
      if (!beyond.length) return '';
      const farthest = beyond.reduce((a, b) => Math.abs(a) >= Math.abs(b) ? a : b);
      return `${beyond.length} ${beyond.length === 1 ? 'head lies' : 'heads lie'} beyond the scale, to ${short(farthest)}, and ${beyond.length === 1 ? 'has' : 'have'} a marked corner.`;
    }

    // The places of a map's heads, the value farthest from zero first.
    function rankedPlaces(map) {
      return map.values.map((value, place) => place).filter(place => map.values[place] !== null)
        .sort((a, b) => Math.abs(map.values[b]) - Math.abs(map.values[a]) || a - b);
    }

    function mapPicture(map) {
      const cell = Math.max(6, Math.min(40, Math.floor(640 / Math.max(map.layers, map.heads))));
      const left = 44, top = 40, width = Math.max(260, left + cell * map.heads + 20);
      const below = top + cell * map.layers + 44;
      return chart(width, below + 54, map.name, label(map.name, 14, 24, { class: 'title' }), ...mapContents(map, cell, left, top),
        ...scaleParts(map, left, below, 190), label(map.valueName, left, below + 46));
    }

    // A figure whose head can be chosen: `address(head)` is where a head leads, `beside()` gives the figures that stand together and point and zoom alike.
    function mapFigure(map, address, beside) {
      let zoom = 1, cursor = [0, 0], chosen = null, room = 0;
      const left = 34, top = 8;
      const title = map.side ? `${map.side}: ${map.name}` : map.name;
      // Only the map at work is read aloud.
      const readout = el('p', { class: 'readout', 'aria-live': 'off' });
      const svg = draw('svg', {
        class: 'headway-chart map', tabindex: 0, role: 'application', 'aria-roledescription': 'heat map',
        'aria-label': `${title}: ${map.layers} layers by ${map.heads} heads. Arrow keys go from head to head, Enter opens one, plus and minus zoom.`,
      });
      const scroller = el('div', { class: 'scroll map-scroll' }, svg);
      const cellSize = () => {
        const fitting = Math.floor((room - left - 12) / map.heads);
        return Math.max(4, Math.min(72, Math.max(4, Math.min(40, fitting)) * zoom));
      };
      const value = head => map.values[head[0] * map.heads + head[1]];
      const box = (head, style) => {
        const cell = cellSize();
        return draw('rect', { class: style, x: left + head[1] * cell, y: top + head[0] * cell, width: cell, height: cell });
      };
      let ranks = null;
      const words = head => {
        ranks ??= new Map(rankedPlaces(map).map((place, rank) => [place, rank + 1]));
        const place = head[0] * map.heads + head[1], now = value(head);
        if (now === null) return `${headWords(head)}: undefined`;
        const error = map.errors ? ` ± ${short(map.errors[place], 2)}` : '';
        return `${headWords(head)}: ${short(now)}${error}, ${ranks.get(place)} of ${ranks.size} by size${isBeyond(map.scale, now) ? ', beyond the scale' : ''}`;
      };
      const overlay = draw('g', {});
      const marks = () => {
        overlay.replaceChildren(...(chosen ? [box(chosen, 'chosen')] : []), box(cursor, 'cursor under'), box(cursor, 'cursor'));
        readout.textContent = words(cursor);
      };
      const redraw = () => {
        const cell = cellSize();
        const width = left + cell * map.heads + 12, height = top + cell * map.layers + 36;
        for (const [name, size] of [['width', width], ['height', height], ['viewBox', `0 0 ${width} ${height}`]]) svg.setAttribute(name, size);
        const figures = [];
        if (cell >= 46) {
          for (let place = 0; place < map.values.length; place++) {
            const head = [Math.floor(place / map.heads), place % map.heads];
            figures.push(label(short(map.values[place], 2), left + (head[1] + 0.5) * cell, top + (head[0] + 0.5) * cell + 4,
              { class: 'tick figure', 'text-anchor': 'middle' }));
          }
        }
        svg.replaceChildren(draw('title', {}, title), draw('rect', { class: 'page', width, height }), ...mapContents(map, cell, left, top), ...figures, overlay);
        marks();
      };
      const inSight = () => {
        const cell = cellSize(), x = left + cursor[1] * cell, y = top + cursor[0] * cell;
        scroller.scrollLeft = Math.min(x - 20, Math.max(scroller.scrollLeft, x + cell + 20 - scroller.clientWidth));
        scroller.scrollTop = Math.min(y - 20, Math.max(scroller.scrollTop, y + cell + 20 - scroller.clientHeight));
      };
      const point = head => { for (const other of beside()) other.point(head); };
      const setZoom = next => { for (const other of beside()) other.zoom(Math.max(1, Math.min(12, next)), cursor); };
      const at = event => {
        const area = svg.getBoundingClientRect(), cell = cellSize();
        const shown = svg.viewBox.baseVal.width / area.width;
        const head = Math.floor(((event.clientX - area.left) * shown - left) / cell);
        const layer = Math.floor(((event.clientY - area.top) * shown - top) / cell);
        return head >= 0 && head < map.heads && layer >= 0 && layer < map.layers ? [layer, head] : null;
      };
      svg.addEventListener('click', event => {
        const head = at(event);
        if (head) { point(head); go(address(head)); }
      });
      svg.addEventListener('pointermove', event => {
        const head = event.pointerType === 'mouse' ? at(event) : null;
        if (head && (head[0] !== cursor[0] || head[1] !== cursor[1])) point(head);
      });
      svg.addEventListener('focus', () => readout.setAttribute('aria-live', 'polite'));
      svg.addEventListener('blur', () => readout.setAttribute('aria-live', 'off'));
      svg.addEventListener('keydown', event => {
        const [layer, head] = cursor;
        const next = {
          ArrowUp: [layer - 1, head], ArrowDown: [layer + 1, head], ArrowLeft: [layer, head - 1], ArrowRight: [layer, head + 1],
          Home: [layer, 0], End: [layer, map.heads - 1], PageUp: [0, head], PageDown: [map.layers - 1, head],
        }[event.key];
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        if (next) {
          point([Math.max(0, Math.min(map.layers - 1, next[0])), Math.max(0, Math.min(map.heads - 1, next[1]))]);
          for (const other of beside()) other.inSight();
        } else if (event.key === 'Enter' || event.key === ' ') go(address(cursor));
        else if (event.key === '+' || event.key === '=') setZoom(zoom * 1.5);
        else if (event.key === '-') setZoom(zoom / 1.5);
        else if (event.key === '0') setZoom(1);
        else return;
        event.preventDefault();
      });
      const tool = (text, words, action) => {
        const button = el('button', { type: 'button', 'aria-label': `${words}: ${title}` }, text);
        button.addEventListener('click', action);
        return button;
      };
      const beyond = el('span', {}, beyondText(map));
      const scaleDrawing = draw('svg', { class: 'headway-chart scale', width: 240, height: 34, role: 'img', viewBox: '0 0 240 34' },
        draw('title', {}, `The colours go from ${short(map.scale.least)} to ${short(map.scale.greatest)}`), ...scaleParts(map, 22, 2, 190));
      const strongest = el('p', { class: 'strongest' });
      const listStrongest = () => {
        strongest.replaceChildren('Strongest: ', ...rankedPlaces(map).slice(0, 5).flatMap((place, rank) => {
          const head = [Math.floor(place / map.heads), place % map.heads];
          return [rank ? ', ' : '', el('a', { href: '#' + address(head) }, headName(head)), ` ${short(map.values[place])}`];
        }));
      };
      listStrongest();
      const figure = el('figure', { class: 'explored' },
        el('h4', {}, map.side ? el('span', { class: 'side' }, map.side) : null, map.name), el('p', { class: 'about' }, map.about),
        el('div', { class: 'tools' }, tool('−', 'Zoom out', () => setZoom(zoom / 1.5)), tool('+', 'Zoom in', () => setZoom(zoom * 1.5)),
          tool('Fit', 'Whole map', () => setZoom(1)), saveButtons(map.name, () => mapPicture(map))),
        scroller, readout, scaleDrawing, el('p', { class: 'about' }, map.valueName, '. ', beyond), strongest);
      return {
        figure, inSight,
        fit(width) {
          if (width === room) return;
          room = width;
          figure.style.width = `${width}px`;
          redraw();
        },
        point(head) { cursor = head; marks(); },
        zoom(next, head) { zoom = next; cursor = head; redraw(); inSight(); },
        choose(head) { chosen = head; if (head) cursor = head; if (room) marks(); },
        show(values) { map.values = values; ranks = null; beyond.textContent = beyondText(map); listStrongest(); redraw(); },
      };
    }
    """#
}
