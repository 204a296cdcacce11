extension ExplorerScript {
  /// What is known of one head: its levels in every task and step, what ablation said, its strongest samples.
  static let heads = #"""
    const entryOf = (map, head) => head[0] * map.heads + head[1];
    const fits = (map, row) => { const own = shapeOf(row); return own && map.layers === own.layers && map.heads === own.heads; };
    const shapeOf = row => row.maps[0] ?? (row.run && row.run.steps.length ? row.run : null);

    function table(columns, rows, caption) {
      const kind = column => columns[column][1] ? 'number' : 'text';
      const made = el('table', {}, caption ? el('caption', {}, caption) : null,
        el('thead', {}, el('tr', {}, columns.map(([title], column) => el('th', { scope: 'col', class: kind(column) }, title)))),
        el('tbody', {}, rows.map(row => el('tr', { class: row.isHere ? 'here' : false }, row.cells.map((cell, column) => el('td', { class: kind(column) }, cell))))));
      const holder = el('div', {}, el('div', { class: 'scroll' }, made));
      prepareTable(made);
      return holder;
    }

    // The head in every map of models of this shape.
    function everywhere(row, head) {
      const found = [];
      for (const [place, other] of data.rows.entries()) {
        for (const map of other.maps) {
          if (!fits(map, row)) continue;
          const entry = entryOf(map, head), value = map.values[entry];
          const rank = value === null ? null : 1 + map.values.filter(one => one !== null && Math.abs(one) > Math.abs(value)).length;
          found.push({ place, row: other, map, value, rank, error: map.errors ? map.errors[entry] : null });
        }
      }
      return found;
    }

    function levelParts(row, head) {
      const found = everywhere(row, head);
      const here = data.rows.indexOf(row);
      const parts = [];
      if (found.length) {
        parts.push(el('h4', {}, 'In every task'), table(
          [['task', false], ['pattern', false], ['side', false], ['value', true], ['95% interval', false], ['place by size', true]],
          found.map(one => ({
            isHere: one.place === here,
            cells: [
              el('a', { href: `#explore/${one.place}/${headName(head)}` }, one.row.name), one.map.name, one.map.side || one.map.valueName, short(one.value),
              one.error === null || one.value === null ? '–' : `[${short(one.value - one.error)}, ${short(one.value + one.error)}]`,
              one.rank === null ? '–' : `${one.rank} of ${one.map.values.length}`,
            ],
          }))));
        const names = [...new Set(found.map(one => one.map.valueName))];
        for (const valueName of names) {
          const entries = found.filter(one => one.map.valueName === valueName && one.value !== null)
            .map(one => ({ name: one.map.name, value: one.value, error: one.error, color: one.map.side === 'after' ? 1 : 0 }));
          if (entries.length) parts.push(pictureFigure(intervalChart(`Head ${headName(head)}: ${valueName}`, entries, valueName),
            entries.some(one => one.error) ? 'Whiskers are 95% intervals over samples.' : ''));
        }
        parts.push(el('p', { class: 'about' }, found.some(one => one.error !== null)
          ? 'Intervals are the mean ± 1.96 standard errors over samples; of a change, over the differences of pairs.'
          : 'No intervals: the patterns keep no samples (headway pattern --per-sample does).'));
      }
      const runs = data.rows.filter(other => other.run && other.run.steps.length && other.run.layers === shapeOf(row).layers && other.run.heads === shapeOf(row).heads);
      if (runs.length) {
        parts.push(el('h4', {}, 'While training'), pictureFigure(lineChart({
          title: `Head ${headName(head)} while training`, xName: 'updates', yName: 'magnitude',
          series: runs.map(other => ({ name: other.name, points: other.run.steps.map((step, place) =>
            [step, other.run.values[place][entryOf(other.run, head)], other.run.errors?.[place][entryOf(other.run, head)]]) })),
        }), runs.some(other => other.run.errors) ? 'The mean over the probe set at each step; whiskers are 95% intervals over its samples.'
          : 'The mean over the probe set at each step.'));
      }
      return parts;
    }

    function ablationParts(head) {
      const found = data.ablations.flatMap(one => one.heads.filter(other => other.layer === head[0] && other.head === head[1]).map(other => ({ about: one, head: other })));
      const title = el('h4', {}, 'Switched off');
      if (!found.length) return [title, el('p', {}, `No ablation on this page switched head ${headName(head)} off; headway ablate --heads ${headName(head)} does.`)];
      return [title, table(
        [['ablation', false], ['what was measured', false], ['true change of loss, nats a label', true], ['95% interval', false], ['predicted', true]],
        found.map(one => ({
          cells: [one.about.name, one.about.about, short(one.head.change),
            one.head.interval ? `[${one.head.interval.map(end => short(end)).join(', ')}]` : '–', short(one.head.prediction)],
        })))];
    }

    // The samples of each map in which the head is strongest; those that were kept token by token lead on.
    function sampleParts(row, head) {
      const parts = [el('h4', {}, 'Its strongest samples')];
      let isEmpty = true;
      for (const [place, map] of row.maps.entries()) {
        const entry = entryOf(map, head), strongest = map.strongest[entry] ?? [];
        const kept = map.passages.map((passage, number) => [passage, number]).filter(([passage]) => passage.heads.some(one => one.layer === head[0] && one.head === head[1]));
        if (!strongest.length && !kept.length) continue;
        isEmpty = false;
        const listed = strongest.map(([sample, level]) => ({ sample: map.samples[sample], level }));
        for (const [passage] of kept) if (!listed.some(one => one.sample.index === passage.sample.index)) listed.push({ sample: passage.sample, level: null });
        const items = listed.map(({ sample, level }) => {
          const found = kept.find(([passage]) => passage.sample.index === sample.index);
          const name = sampleName(sample);
          return el('li', {}, found ? el('a', { href: `#explore/${data.rows.indexOf(row)}/${headName(head)}/${place}.${found[1]}` }, name) : name,
            level === null ? '' : ` ${short(level)}`, found ? ` “${excerpt(found[0])}”` : '');
        });
        parts.push(el('p', { class: 'about' }, `${map.side ? map.side + ': ' : ''}${map.name}`), el('ol', { class: 'samples' }, items));
        if (!kept.length) parts.push(el('p', { class: 'about' }, `This head's samples were not kept token by token; headway explain MODEL --data FILE --head ${headName(head)} shows them.`));
      }
      if (isEmpty) parts.push(el('p', {}, row.run ? 'Samples are not kept while training.' : 'The patterns of this task keep no samples; headway pattern --per-sample --tokens 3 does.'));
      return parts;
    }
    const sampleName = sample => sample.id && sample.id !== String(sample.index) ? `${sample.id} (position ${sample.index})` : `position ${sample.index}`;
    const excerpt = passage => { const text = passage.texts.join('').replace(/\s+/g, ' ').trim(); return text.length > 60 ? text.slice(0, 60) + '…' : text; };

    function headPanel(row, head) {
      return [el('h3', { tabindex: -1 }, `Head ${headName(head)}`, el('span', { class: 'about' }, ` ${headWords(head)}`)),
        ...sampleParts(row, head), ...levelParts(row, head), ...ablationParts(head)];
    }
    """#
}
