/// The report page's frame, style and the few lines that sort its tables.
enum ReportTemplate {
  static let page = """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="generator" content="Headway">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>{{{title}}}</title>
    <style>
    {{{style}}}
    </style>
    </head>
    <body>
    <header>
    <h1>{{{title}}}</h1>
    <p class="subtitle">{{{subtitle}}}</p>
    <nav>{{#contents}}<a href="#{{{anchor}}}">{{{title}}}</a> {{/contents}}</nav>
    </header>
    <main>
    {{#sections}}
    <section id="{{{anchor}}}">
    <h2>{{{title}}}</h2>
    {{#paragraphs}}
    <p>{{{.}}}</p>
    {{/paragraphs}}
    {{#tables}}
    <div class="scroll"><table>
    <caption>{{{title}}}</caption>
    <thead><tr>{{#columns}}<th scope="col" class="{{{kind}}}" tabindex="0">{{{title}}}</th>{{/columns}}</tr></thead>
    <tbody>
    {{#rows}}
    <tr>{{#cells}}<td class="{{{kind}}}">{{{text}}}</td>{{/cells}}</tr>
    {{/rows}}
    </tbody>
    </table></div>
    {{/tables}}
    {{#pictures}}
    <figure>
    <div class="scroll">
    {{{svg}}}
    </div>
    <figcaption>{{{caption}}}{{#numbers}} <a href="{{{address}}}">numbers: {{{name}}}</a>{{/numbers}}</figcaption>
    </figure>
    {{/pictures}}
    {{#hasSettings}}
    <details>
    <summary>Settings and fingerprints</summary>
    {{#settings}}
    <div class="scroll"><table class="settings">
    <caption>{{{title}}}</caption>
    <thead><tr>{{#columns}}<th scope="col" class="{{{kind}}}" tabindex="0">{{{title}}}</th>{{/columns}}</tr></thead>
    <tbody>
    {{#rows}}
    <tr>{{#cells}}<td class="{{{kind}}}">{{{text}}}</td>{{/cells}}</tr>
    {{/rows}}
    </tbody>
    </table></div>
    {{/settings}}
    </details>
    {{/hasSettings}}
    </section>
    {{/sections}}
    </main>
    <script>
    {{{script}}}
    </script>
    </body>
    </html>

    """

  static let style = """
    :root{--ink:#1f2328;--quiet:#57606a;--page:#fff;--line:#d0d7de;--shade:#f6f8fa;--link:#0969da}
    @media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--quiet:#9da7b1;--page:#0d1117;--line:#30363d;--shade:#161b22;--link:#58a6ff}}
    *{box-sizing:border-box}
    body{margin:0 auto;max-width:1560px;padding:24px 32px 64px;background:var(--page);color:var(--ink);
    font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Noto Sans CJK SC",sans-serif;overflow-wrap:anywhere}
    h1{font-size:26px;margin:0}h2{font-size:20px;margin:40px 0 8px;padding-top:12px;border-top:1px solid var(--line)}
    .subtitle,figcaption,caption,summary{color:var(--quiet)}
    p{max-width:80ch}a{color:var(--link)}nav a{margin-right:14px}
    .scroll{overflow-x:auto}.scroll>svg{max-width:max(100%,900px);height:auto}
    table{border-collapse:collapse;margin:12px 0;font-size:14px}
    caption{text-align:left;padding-bottom:4px}
    th,td{padding:4px 12px;border-bottom:1px solid var(--line);text-align:left;vertical-align:top;max-width:60ch}
    th{background:var(--shade);vertical-align:bottom;overflow-wrap:normal;cursor:pointer;font-weight:600}
    td{overflow-wrap:break-word}.settings td{overflow-wrap:anywhere}
    .number{text-align:right;font-variant-numeric:tabular-nums}td.number,td.short{white-space:nowrap}
    th:focus-visible{outline:2px solid var(--link)}
    th[aria-sort=ascending]::after{content:" ▲"}th[aria-sort=descending]::after{content:" ▼"}
    figure{margin:16px 0;break-inside:avoid}figcaption{font-size:13px}
    .settings td{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:12px}
    @media print{body{max-width:none;padding:0;font-size:11pt}nav,script{display:none}.scroll{overflow:visible}
    .scroll>svg{max-width:100%;height:auto}details::details-content{content-visibility:visible}h2{break-after:avoid}table{font-size:8.5pt}th,td{padding:3px 6px}td.number,td.short{white-space:normal}tr{break-inside:avoid}.settings td{font-size:7pt}}
    """

  static let script = """
    for (const table of document.querySelectorAll('table')) {
      const heads = [...table.tHead.rows[0].cells];
      heads.forEach((head, column) => {
        const sort = () => {
          const up = head.getAttribute('aria-sort') !== 'ascending';
          heads.forEach(other => other.removeAttribute('aria-sort'));
          head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
          const isNumber = head.classList.contains('number');
          const key = row => {
            const text = row.cells[column].textContent;
            return isNumber ? parseFloat(text.replace('−', '-')) : text;
          };
          const order = (a, b) => {
            const x = key(a), y = key(b);
            if (isNumber) {
              if (isNaN(x) || isNaN(y)) return isNaN(x) - isNaN(y);
              return up ? x - y : y - x;
            }
            return up ? x.localeCompare(y) : y.localeCompare(x);
          };
          table.tBodies[0].append(...[...table.tBodies[0].rows].sort(order));
        };
        head.addEventListener('click', sort);
        head.addEventListener('keydown', event => { if (event.key === 'Enter') sort(); });
      });
    }
    """
}
