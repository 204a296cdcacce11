extension ExplorerScript {
  /// Where the reader is, which the address of the page says, so that the browser's own back and forward go along the road: `#explore/ROW/LAYER:HEAD/MAP.PASSAGE/TOKEN`.
  static let road = #"""
    let data = { rows: [], ablations: [] };
    const panels = {};
    let shown = {};
    let maps = [];

    function go(address) { location.hash = address; }

    // The place that an address names; what it names wrongly is left out.
    function readAddress() {
      const parts = location.hash.startsWith('#explore') ? location.hash.slice(1).split('/').slice(1) : null;
      if (!parts) return null;
      const here = {};
      const row = data.rows[Number(parts[0] ?? NaN)] ?? (data.rows.length === 1 ? data.rows[0] : undefined);
      if (!row) return here;
      here.row = row;
      const shape = shapeOf(row), head = /^(\d+):(\d+)$/.exec(parts[1] ?? '')?.slice(1).map(Number);
      if (!shape || !head || head[0] >= shape.layers || head[1] >= shape.heads) return here;
      here.head = head;
      const place = /^(\d+)\.(\d+)$/.exec(parts[2] ?? '')?.slice(1).map(Number);
      const passage = place && row.maps[place[0]]?.passages[place[1]];
      if (!passage || !rowOf(passage, head)) return here;
      here.sample = { map: place[0], passage: place[1] };
      const token = /^\d+$/.test(parts[3] ?? '') ? Number(parts[3]) : NaN;
      if (token < passage.texts.length) here.sample.token = token;
      return here;
    }

    function address(here, depth) {
      const parts = ['explore'];
      if (depth > 0 && here.row) parts.push(data.rows.indexOf(here.row));
      if (depth > 1 && here.head) parts.push(headName(here.head));
      if (depth > 2 && here.sample) parts.push(`${here.sample.map}.${here.sample.passage}`);
      if (depth > 3 && here.sample?.token !== undefined) parts.push(here.sample.token);
      return parts.join('/');
    }
    const depthOf = here => here.sample ? (here.sample.token === undefined ? 3 : 4) : here.head ? 2 : here.row ? 1 : 0;

    function crumbs(here) {
      const depth = depthOf(here);
      const names = ['Tasks and models', here.row?.name, here.head && `head ${headName(here.head)}`,
        here.sample && `sample ${here.row.maps[here.sample.map].passages[here.sample.passage].sample.index}`, here.sample?.token !== undefined && `token ${here.sample.token}`];
      return el('ol', {}, names.slice(0, depth + 1).map((name, place) => el('li', {},
        el('a', { href: '#' + address(here, place), 'aria-current': place === depth ? 'step' : false }, name))));
    }

    function taskPanel(here) {
      return [el('h3', { tabindex: -1 }, 'Tasks and models'), el('ul', { class: 'tasks' }, data.rows.map((row, place) => el('li', {},
        el('a', { href: `#explore/${place}`, 'aria-current': row === here.row ? 'true' : false }, el('strong', {}, row.name), ' ', el('span', { class: 'about' }, row.about)))))];
    }

    function runParts(row, place) {
      const run = row.run, parts = [];
      if (run.steps.length) {
        const view = { name: row.name, side: '', about: row.about, valueName: 'magnitude', layers: run.layers, heads: run.heads, scale: run.scale, values: run.values[0], errors: null };
        const map = mapFigure(view, head => `explore/${place}/${headName(head)}`, () => maps);
        const slider = el('input', { type: 'range', min: 0, max: run.steps.length - 1, value: 0, step: 1, id: 'step', 'aria-label': 'Updates' });
        const told = el('output', { for: 'step' });
        const curves = el('div', {});
        const drawCurves = () => curves.replaceChildren(...run.curves.filter(one => one.curves.length).map(one => pictureFigure(lineChart({
          title: `${row.name}: ${one.yName}`, xName: 'updates', yName: one.yName, series: one.curves, mark: run.steps[slider.value] }))));
        const move = () => {
          told.textContent = `after ${run.steps[slider.value]} updates`;
          slider.setAttribute('aria-valuetext', told.textContent);
          map.show(run.values[slider.value]);
        };
        slider.addEventListener('input', () => { move(); drawCurves(); });
        told.textContent = `after ${run.steps[0]} updates`;
        drawCurves();
        map.figure.querySelector('.tools').before(el('p', { class: 'steps' }, slider, ' ', told));
        maps.push(map);
        parts.push(map.figure, curves);
      } else {
        parts.push(...run.curves.filter(one => one.curves.length).map(one => pictureFigure(lineChart({ title: `${row.name}: ${one.yName}`, xName: 'updates', yName: one.yName, series: one.curves }))));
      }
      return parts;
    }

    function mapPanel(row) {
      maps = [];
      const place = data.rows.indexOf(row);
      const figures = row.maps.map(map => {
        const figure = mapFigure(map, head => `explore/${place}/${headName(head)}`, () => maps);
        maps.push(figure);
        return figure.figure;
      });
      return [el('h3', { tabindex: -1 }, row.name), el('p', { class: 'about' }, row.about),
        el('p', { class: 'hint' }, 'Click a head, or go to it with the arrow keys and press Enter.'),
        el('div', { class: 'maps' }, figures, row.run ? runParts(row, place) : [])];
    }

    function fitMaps() {
      const room = panels.maps.clientWidth;
      const beside = room >= 1000 ? Math.min(3, maps.length) : room >= 640 ? Math.min(2, maps.length) : 1;
      for (const map of maps) map.fit(Math.floor((room - 24 * (beside - 1)) / Math.max(1, beside)));
    }

    function fillPanel(name, key, make) {
      if (shown[name] === key) return false;
      shown[name] = key;
      panels[name].hidden = key === undefined;
      panels[name].replaceChildren(...(key === undefined ? [] : make()));
      return true;
    }

    function render(isFirst) {
      const here = readAddress();
      if (!here && !isFirst) return;
      const now = here ?? (data.rows.length === 1 ? { row: data.rows[0] } : {});
      const depth = depthOf(now);
      panels.crumbs.hidden = depth === 0;
      panels.crumbs.replaceChildren(crumbs(now));
      fillPanel('tasks', data.rows.length > 1 ? `${now.row ? data.rows.indexOf(now.row) : ''}` : undefined, () => taskPanel(now));
      if (fillPanel('maps', now.row && String(data.rows.indexOf(now.row)), () => mapPanel(now.row))) fitMaps();
      for (const map of maps) map.choose(now.head ?? null);
      fillPanel('head', now.head && address(now, 2), () => headPanel(now.row, now.head));
      fillPanel('sample', now.sample && address(now, 4), () => samplePanel(now.row, now.head, now.sample));
      if (isFirst || !here) return;
      // The focus goes along the road.
      const target = depth === 4
        ? panels.sample.querySelector('[aria-pressed=true]') : [panels.tasks, panels.maps, panels.head, panels.sample][depth].querySelector('h3');
      target?.focus({ preventScroll: true });
      if (depth > 0 && depth < 4) target?.scrollIntoView({ block: 'start', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
    }

    function startExploring() {
      const place = document.getElementById('explore'), source = document.getElementById('explorer-data');
      if (!place || !source) return;
      data = JSON.parse(source.textContent);
      panels.crumbs = el('nav', { class: 'crumbs', 'aria-label': 'Where you are' });
      for (const [name, words] of [['tasks', 'Tasks and models'], ['maps', 'Maps of heads'], ['head', 'The chosen head'], ['sample', 'The chosen sample']]) {
        panels[name] = el('section', { class: `panel panel-${name}`, 'aria-label': words });
      }
      place.append(panels.crumbs, el('div', { class: 'panels' }, panels.tasks, panels.maps, panels.head, panels.sample));
      place.hidden = false;
      place.addEventListener('keydown', event => {
        if (event.key !== 'Escape') return;
        const here = readAddress();
        if (here && depthOf(here) > 0) go(address(here, depthOf(here) - 1));
      });
      window.addEventListener('hashchange', () => render(false));
      window.addEventListener('resize', fitMaps);
      render(true);
    }
    """#
}
