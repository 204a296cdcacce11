"""Writes what the real study reads and no format of Headway's does: FLASK by domain, cmath's odd lines, and seven tasks in one template.

    prepare(shared, out)        files of prompt and response in OUT/data; a file that is there is kept
"""
import json, pathlib

FLASK = {"coding": {"Coding"}, "technology": {"Technology"}, "math": {"Math"}, "humanities": {"Humanities"}, "coding-technology": {"Coding", "Technology"}}


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def questions(data):
    """(question, answer) of each of the seven tasks."""
    yield "gsm8k", [(r["question"], r["answer"]) for r in lines(data / "gsm8k/test.jsonl")]
    yield "math", [(r["problem"], r["solution"]) for r in lines(data / "math/math_oai_test.jsonl")]
    parts = [r["output"].partition("\nSolution:\n") for r in json.loads((data / "sgsm/sgsm_train.json").read_text())]
    yield "sgsm", [(question.removeprefix("Question: "), code) for question, mark, code in parts if mark]
    yield "code", [(r["docstring"], r["code"]) for r in lines(data / "codesearchnet_python/jsons_orig.txt")]
    yield "hellaswag", [(r["ctx"], r["endings"][int(r["label"])]) for r in lines(data / "hellaswag/hellaswag.jsonl")]
    winogrande = []
    for r in lines(data / "winogrande/dev.jsonl"):
        before, _, after = r["sentence"].partition("_")
        winogrande.append((before.strip(), f"{r['option' + r['answer']]}{after}"))
    yield "winogrande", winogrande
    arc = []
    for r in lines(data / "arc/ARC-Challenge-Test.jsonl"):
        right = [c["text"] for c in r["question"]["choices"] if c["label"] == r["answerKey"]]
        arc += [(r["question"]["stem"], text) for text in right]
    yield "arc", arc


def prepare(shared, out):
    data, place = shared / "data", out / "data"
    place.mkdir(parents=True, exist_ok=True)

    def write(name, records):
        path = place / name
        if path.exists():
            return
        partial = path.with_suffix(".partial")
        partial.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))
        partial.rename(path)

    flask = lines(data / "flask/flask_evaluation.jsonl")
    for name, domains in FLASK.items():
        write(f"flask-{name}.jsonl", [{"prompt": f"{r['instruction']}\n", "response": r["answer"]} for r in flask if set(r["domain"]) == domains])
    # base_8m has seen the even ones.
    write("cmath-odd.jsonl", lines(data / "chinese_math/cmath_test.jsonl")[1::2])
    for name, pairs in questions(data):
        write(f"one-template-{name}.jsonl", [{"prompt": f"Question: {q.strip()}\nAnswer: ", "response": a.strip()} for q, a in pairs if q.strip() and a.strip()])
