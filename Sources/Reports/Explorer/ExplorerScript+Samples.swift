extension ExplorerScript {
  /// A sample's text, shaded token by token by what a head does there.
  static let samples = #"""
    function shadedText(passage, values, greatest, address, here) {
      const order = values.map((value, place) => place).sort((a, b) => Math.abs(values[b]) - Math.abs(values[a]));
      const leading = new Set(order.slice(0, 5).filter(place => values[place] !== 0));
      const labels = new Set(passage.labels);
      const tokens = passage.texts.map((text, place) => {
        const value = values[place];
        const share = greatest > 0 ? Math.abs(value) / greatest : 0;
        const token = el('span', {
          class: `token ${value < 0 ? 'less' : 'more'}${leading.has(place) ? ' leading' : ''}${labels.has(place) ? ' learned' : ''}`,
          role: 'button', tabindex: place === (here ?? 0) ? 0 : -1, 'aria-label': `token ${place}, ${text.trim() || 'space'}: ${short(value, 2)}`,
          'aria-pressed': String(place === here),
        }, text.replaceAll('\n', '⏎\n'));
        token.style.setProperty('--share', `${Math.round(70 * share)}%`);
        token.addEventListener('click', () => go(address(place)));
        return token;
      });
      const text = el('p', { class: 'passage', role: 'group', 'aria-label': 'The text, token by token. Arrow keys go from token to token, Enter chooses one.' }, tokens);
      text.addEventListener('keydown', event => {
        const place = tokens.indexOf(document.activeElement);
        if (place < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
        const next = { ArrowRight: place + 1, ArrowLeft: place - 1, ArrowDown: place + 10, ArrowUp: place - 10, Home: 0, End: tokens.length - 1 }[event.key];
        if (next !== undefined) {
          const other = tokens[Math.max(0, Math.min(tokens.length - 1, next))];
          tokens[place].tabIndex = -1;
          other.tabIndex = 0;
          other.focus();
        } else if (event.key === 'Enter' || event.key === ' ') go(address(place));
        else return;
        event.preventDefault();
      });
      return text;
    }

    const rowOf = (passage, head) => passage.heads.find(one => one.layer === head[0] && one.head === head[1]);

    function tokenWords(passage, values, place) {
      const whole = values.reduce((sum, value) => sum + Math.abs(value), 0);
      const value = values[place];
      return `Token ${place}, “${passage.texts[place].replaceAll('\n', '⏎')}”: ${short(value)}, ${whole > 0 ? percent(Math.abs(value) / whole) : '–'} of what all tokens have. `
        + (value < 0 ? 'The head lowers the loss here: without it the loss would rise.' : value > 0 ? 'The head raises the loss here: without it the loss would fall.' : 'The head does nothing to the loss here.')
        + (passage.labels.includes(place) ? ' The token carries loss.' : ' The token belongs to what is given and carries no loss.');
    }

    function samplePanel(row, head, chosen) {
      const rowPlace = data.rows.indexOf(row);
      const main = row.maps[chosen.map].passages[chosen.passage];
      // The same sample and head wherever it was kept: before and after stand together.
      const shown = row.maps.flatMap((map, place) => map.passages.map((passage, number) => ({ map, place, passage, number })))
        .filter(one => one.passage.sample.index === main.sample.index && rowOf(one.passage, head));
      const greatest = Math.max(...shown.flatMap(one => rowOf(one.passage, head).values.map(Math.abs)));
      const parts = [el('h3', { tabindex: -1 }, `Sample ${sampleName(main.sample)}`, el('span', { class: 'about' }, ` head ${headName(head)}`))];
      for (const one of shown) {
        const values = rowOf(one.passage, head).values;
        const isHere = one.place === chosen.map && one.number === chosen.passage;
        const address = token => `explore/${rowPlace}/${headName(head)}/${one.place}.${one.number}/${token}`;
        const others = one.passage.heads.filter(other => other.layer !== head[0] || other.head !== head[1]);
        parts.push(
          el('h4', {}, one.map.side ? el('span', { class: 'side' }, one.map.side) : null, one.map.name),
          el('p', { class: 'about' }, `Signed level ${short(values.reduce((sum, value) => sum + value, 0))}, the sum over ${values.length} tokens; loss ${short(one.passage.sample.loss)}.`),
          shadedText(one.passage, values, greatest, address, isHere ? chosen.token : undefined),
          el('p', { class: 'readout token-readout', 'aria-live': 'polite' }, isHere && chosen.token !== undefined ? tokenWords(one.passage, values, chosen.token) : 'Choose a token to read what the head does there.'));
        if (others.length) {
          parts.push(el('p', {}, 'Also kept for this sample: ', ...others.flatMap((other, number) => [number ? ', ' : '',
            el('a', { href: `#explore/${rowPlace}/${other.layer}:${other.head}/${one.place}.${one.number}` }, `head ${other.layer}:${other.head}`)])));
        }
        const order = values.map((value, place) => place).sort((a, b) => Math.abs(values[b]) - Math.abs(values[a]))
          .filter(place => values[place] !== 0).slice(0, 10);
        parts.push(table([['token', true], ['text', false], ['gradient by the gate', true], ['carries loss', false]],
          order.map(place => ({ isHere: isHere && place === chosen.token, cells: [String(place), el('a', { href: '#' + address(place) }, one.passage.texts[place].replaceAll('\n', '⏎').trim() || '␣'), short(values[place]), one.passage.labels.includes(place) ? 'yes' : ''] })),
          'The tokens that have most of it'));
      }
      parts.push(el('p', { class: 'legend' }, el('span', { class: 'token less', style: '--share:50%' }, 'below 0: the head lowers the loss'), ' ',
        el('span', { class: 'token more', style: '--share:50%' }, 'above 0: it raises the loss'), ' ',
        el('span', { class: 'token less leading', style: '--share:50%' }, 'underlined'), ' the five that have most (a solid line below 0, a dotted one above); ',
        el('span', { class: 'token learned' }, 'bold'), ' carries loss.'));
      return parts;
    }
    """#
}
