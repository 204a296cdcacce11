#!/usr/bin/env python3
"""Runs a notebook's code in order, without Jupyter, and holds what it prints against what the notebook shows.

    scripts/wheel/notebook.py docs/Python.ipynb [--write]

Run it with the Python whose packages the notebook uses. What a cell prints and the text of its last value must be the same; of pictures only that there
is one. --write puts what came into the notebook instead. Ends with status 1 and both texts where a cell differs.
"""

import argparse, ast, contextlib, io, json, os, pathlib, sys  # noqa: E401


def lines(text):
    return text.splitlines(keepends=True)


def execute(source, number, namespace):
    """A code cell's outputs, as the notebook format has them (nbformat 4.5)."""
    tree = ast.parse(source)
    last = ast.Expression(tree.body.pop().value) if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed, value = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, f"cell {number}", "exec"), namespace)
        if last is not None:
            value = eval(compile(last, f"cell {number}", "eval"), namespace)
    outputs = []
    if printed.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": lines(printed.getvalue())})
    if value is not None:
        shown = {"text/plain": lines(repr(value))}
        picture = value._repr_svg_() if hasattr(value, "_repr_svg_") else None
        if picture:
            shown["image/svg+xml"] = lines(picture)
        outputs.append({"output_type": "execute_result", "execution_count": number, "metadata": {}, "data": shown})
    return outputs


def texts(outputs):
    """What is compared: the numbers behind a picture may differ in their last digits between processors."""
    shown = []
    for output in outputs:
        shown.append("".join(output.get("text", output.get("data", {}).get("text/plain", []))))
        if "image/svg+xml" in output.get("data", {}):
            shown.append("a picture")
    return "\n".join(shown)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("notebook", type=pathlib.Path)
    a.add_argument("--write", action="store_true")
    o = a.parse_args()
    notebook = json.loads(o.notebook.read_text())
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    path = o.notebook.resolve()
    os.chdir(path.parent)  # as Jupyter does
    namespace, different = {"__name__": "__main__"}, 0
    for number, cell in enumerate(cells, 1):
        found = execute("".join(cell["source"]), number, namespace)
        if not o.write and texts(found) != texts(cell["outputs"]):
            different += 1
            print(f"notebook: cell {number} shows\n{texts(cell['outputs'])}\nbut gives\n{texts(found)}")
        cell["outputs"], cell["execution_count"] = found, number
    if o.write:
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")
    print(f"notebook: {len(cells)} cells, {different} differ")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
