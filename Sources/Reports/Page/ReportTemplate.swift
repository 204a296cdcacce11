/// The report page's frame.
enum ReportTemplate {
  static let page = """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="generator" content="Headway">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>{{{title}}}</title>
    <style>
    {{{style}}}
    </style>
    {{#explorer}}
    <style id="chart-style">
    {{{charts}}}
    </style>
    {{/explorer}}
    </head>
    <body>
    <header>
    <h1>{{{title}}}</h1>
    <p class="subtitle">{{{subtitle}}}</p>
    {{#summary}}
    <p class="summary">{{{.}}}</p>
    {{/summary}}
    <nav class="contents" aria-label="Contents">{{#explorer}}<a href="#explore">Explore</a> {{/explorer}}{{#contents}}<a href="#{{{anchor}}}">{{{title}}}</a> {{/contents}}</nav>
    </header>
    <main>
    {{#explorer}}
    <section id="explore" hidden="hidden" aria-label="Explore">
    <h2>From tasks to tokens</h2>
    </section>
    {{/explorer}}
    {{#sections}}
    <section id="{{{anchor}}}">
    <h2>{{{title}}}</h2>
    {{#paragraphs}}
    <p>{{{.}}}</p>
    {{/paragraphs}}
    {{#tables}}
    <div class="scroll"><table>
    <caption>{{{title}}}</caption>
    <thead><tr>{{#columns}}<th scope="col" class="{{{kind}}}">{{{title}}}</th>{{/columns}}</tr></thead>
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
    <figcaption>{{{caption}}}{{#hint}} <span class="hint">{{{.}}}</span>{{/hint}}{{#numbers}} <a href="{{{address}}}">numbers: {{{name}}}</a>{{/numbers}}</figcaption>
    </figure>
    {{/pictures}}
    {{#hasSettings}}
    <details>
    <summary>Settings and fingerprints</summary>
    {{#settings}}
    <div class="scroll"><table class="settings">
    <caption>{{{title}}}</caption>
    <thead><tr>{{#columns}}<th scope="col" class="{{{kind}}}">{{{title}}}</th>{{/columns}}</tr></thead>
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
    {{#explorer}}
    <script type="application/json" id="explorer-data">{{{data}}}</script>
    {{/explorer}}
    <script>
    {{{script}}}
    </script>
    </body>
    </html>

    """
}
