"""Made-up questions in the published forms of MMLU and HellaSwag, as long as the real ones are (lengths.json).

    python questions.py FOLDER --tokenizer FOLDER [--questions 100] [--subjects 2] [--seed 3]

FOLDER becomes what scripts/checks/lm_eval_agrees.py reads: mmlu/{dev,test}/SUBJECT_{dev,test}.csv and hellaswag/hellaswag.jsonl. Words mean nothing and
answers are drawn, so accuracy is that of chance; how long a question takes depends on its length alone.
"""
import argparse, csv, json, pathlib, random

import numpy as np

from prompts import here, make_tokenizer, text_of, words

SHOTS = 5


class Writer:
    """Texts of drawn lengths."""

    def __init__(self, tokenizer, seed):
        self.tokenizer, self.draw = tokenizer, random.Random(seed)
        self.pool = [(w, len(tokenizer.encode(w))) for w in words()]
        self.short = [(w, n) for w, n in self.pool if n == 1]
        self.lengths = json.loads((here / "lengths.json").read_text())

    def text(self, dataset, part):
        quantiles = self.lengths[dataset][part]
        tokens = round(np.interp(self.draw.random(), np.linspace(0, 1, len(quantiles)), quantiles))
        return text_of(self.tokenizer, self.draw, self.pool, self.short, tokens)


def mmlu(writer, count):
    return [[writer.text("mmlu", "question")] + [writer.text("mmlu", "choice") for _ in range(4)] + [writer.draw.choice("ABCD")] for _ in range(count)]


def hellaswag(writer, count):
    for i in range(count):
        first, second = writer.text("hellaswag", "ctx_a"), writer.text("hellaswag", "ctx_b")
        yield {"ind": i, "activity_label": writer.text("hellaswag", "activity_label"), "ctx_a": first, "ctx_b": second, "ctx": f"{first} {second}".strip(), "split": "val", "split_type": "indomain",
               "label": writer.draw.randrange(4), "endings": [writer.text("hellaswag", "ending") for _ in range(4)], "source_id": f"bench~{i}"}


def make(folder, tokenizer, questions, subjects, seed):
    folder, writer = pathlib.Path(folder), Writer(tokenizer, seed)
    for part in ("mmlu/dev", "mmlu/test", "hellaswag"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for number in range(1, subjects + 1):
        # Names of the harness's own tasks: it knows no others.
        subject = ["abstract_algebra", "anatomy", "astronomy", "business_ethics"][number - 1]
        for part, count in (("dev", SHOTS), ("test", questions)):
            with open(folder / f"mmlu/{part}/{subject}_{part}.csv", "w", newline="") as f:
                csv.writer(f, lineterminator="\n").writerows(mmlu(writer, count))
    with open(folder / "hellaswag/hellaswag.jsonl", "w") as f:
        f.writelines(json.dumps(r) + "\n" for r in hellaswag(writer, questions))


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("folder"); a.add_argument("--tokenizer", required=True); a.add_argument("--questions", type=int, default=100)
    a.add_argument("--subjects", type=int, default=2, choices=range(1, 5)); a.add_argument("--seed", type=int, default=3)
    o = a.parse_args()
    make(o.folder, make_tokenizer(o.tokenizer), o.questions, o.subjects, o.seed)


if __name__ == "__main__":
    main()
