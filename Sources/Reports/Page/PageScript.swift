/// The page's one script, put together from its parts. Without it everything is there as tables and pictures; with it tables sort and fold, pictures
/// are saved, and the explorer is at work. It loads nothing, and puts foreign text in as text alone.
enum PageScript {
  /// All parts inside one function, so that none of their names is the page's.
  static let whole =
    "(() => {\n'use strict';\n"
    + [
      ExplorerScript.drawing, tables, pictures, ExplorerScript.charts, ExplorerScript.maps, ExplorerScript.heads, ExplorerScript.samples,
      ExplorerScript.road, start,
    ].joined(separator: "\n") + "\n})();"

  /// Tables that sort by a column's title, and show their first rows until asked for all.
  private static let tables = #"""
    const firstRows = 12;

    function fold(table) {
      const rows = [...table.tBodies[0].rows];
      if (rows.length <= firstRows + 3) return () => {};
      let isOpen = false;
      const button = el('button', { type: 'button', class: 'fold' });
      const show = () => {
        [...table.tBodies[0].rows].forEach((row, place) => { row.hidden = !isOpen && place >= firstRows; });
        button.textContent = isOpen ? `Show the first ${firstRows} rows` : `Show all ${rows.length} rows`;
        button.setAttribute('aria-expanded', String(isOpen));
      };
      button.addEventListener('click', () => { isOpen = !isOpen; show(); });
      table.parentElement.after(button);
      show();
      return show;
    }

    function prepareTable(table) {
      if (!table.tHead || !table.tBodies.length) return;
      const foldAgain = fold(table);
      const heads = [...table.tHead.rows[0].cells];
      const body = table.tBodies[0];
      heads.forEach((head, column) => {
        const isNumber = head.classList.contains('number');
        const key = row => {
          const text = row.cells[column] ? row.cells[column].textContent : '';
          return isNumber ? parseFloat(text.replace('−', '-')) : text;
        };
        const sort = () => {
          const up = head.getAttribute('aria-sort') !== 'ascending';
          heads.forEach(other => other.removeAttribute('aria-sort'));
          head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
          const order = (a, b) => {
            const x = key(a), y = key(b);
            if (!isNumber) return up ? x.localeCompare(y) : y.localeCompare(x);
            if (isNaN(x) || isNaN(y)) return isNaN(x) - isNaN(y);
            return up ? x - y : y - x;
          };
          body.append(...[...body.rows].sort(order));
          foldAgain();
        };
        const button = el('button', { type: 'button', class: 'sort' }, head.textContent);
        button.addEventListener('click', sort);
        head.replaceChildren(button);
      });
    }
    """#

  /// Pictures that are saved as SVG, with their own style sheet, and as PNG at twice their size.
  private static let pictures = #"""
    function savedName(title, ending) {
      const name = title.normalize('NFC').replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-+|-+$/g, '').slice(0, 80);
      return `${name || 'picture'}.${ending}`;
    }

    function download(address, name) {
      const link = el('a', { href: address, download: name });
      document.body.append(link);
      link.click();
      link.remove();
    }

    // As a file of its own: marks of the place on the page go, the style sheet comes along.
    function standalone(svg) {
      const copy = svg.cloneNode(true);
      copy.setAttribute('xmlns', svgSpace);
      for (const name of ['tabindex', 'style', 'aria-describedby', 'aria-roledescription']) copy.removeAttribute(name);
      copy.setAttribute('role', 'img');
      if (!copy.querySelector('style')) copy.prepend(draw('style', {}, document.getElementById('chart-style').textContent));
      return new XMLSerializer().serializeToString(copy);
    }

    const dataAddress = text => 'data:image/svg+xml;charset=utf-8,' + encodeURIComponent(text);

    function savePNG(svg, title) {
      const size = svg.viewBox.baseVal;
      const image = new Image();
      image.onload = () => {
        const canvas = el('canvas', { width: Math.ceil(size.width * 2), height: Math.ceil(size.height * 2) });
        const context = canvas.getContext('2d');
        context.scale(2, 2);
        context.drawImage(image, 0, 0, size.width, size.height);
        download(canvas.toDataURL('image/png'), savedName(title, 'png'));
      };
      image.src = dataAddress(standalone(svg));
    }

    // The two buttons below a picture; `picture` gives it when it is asked for.
    function saveButtons(title, picture) {
      const button = (kind, action) => {
        const one = el('button', { type: 'button', 'aria-label': `Save as ${kind}: ${title}` }, `Save ${kind}`);
        one.addEventListener('click', action);
        return one;
      };
      return el('span', { class: 'save' },
        button('SVG', () => download(dataAddress(standalone(picture())), savedName(title, 'svg'))),
        button('PNG', () => savePNG(picture(), title)));
    }

    function preparePicture(figure) {
      const svg = figure.querySelector('svg.headway-chart');
      if (!svg) return;
      const title = svg.querySelector(':scope > title')?.textContent ?? 'picture';
      (figure.querySelector('figcaption') ?? figure).append(' ', saveButtons(title, () => svg));
    }
    """#

  private static let start = #"""
    for (const table of document.querySelectorAll('main table')) prepareTable(table);
    for (const figure of document.querySelectorAll('main figure')) preparePicture(figure);
    startExploring();
    """#
}
