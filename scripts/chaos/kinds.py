"""What is disturbed: commands on the models and data of Examples/, small, and each long enough to be caught at work."""
import dataclasses, json, pathlib, random, shutil
from typing import Callable

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL, TUNED = ROOT / "Examples/model", ROOT / "Examples/model-tuned"
PROBLEMS, STORIES = ROOT / "Examples/problems.jsonl", ROOT / "Examples/stories.jsonl"


@dataclasses.dataclass
class Kind:
    """A command and what is done to it."""

    name: str
    #: The command in a folder that it fills, from the materials.
    arguments: Callable
    #: Its kills of a hundred; 0 for a command that is done again from its beginning.
    kills: int
    #: What goes on with an interrupted run.
    again: tuple = ("--resume",)
    ranks: int = 1
    #: Puts what the command reads into its own folder.
    prepare: Callable = lambda materials, place: None
    #: Another kind whose undisturbed run must leave the same: one process, for several.
    same_as: str | None = None


class Materials:
    """Data and runs that the commands read, in a folder of their own."""

    def __init__(self, folder, run):
        self.folder, self.run = folder, run
        folder.mkdir()
        problems, stories = ([json.loads(line) for line in path.read_text().splitlines()] for path in (PROBLEMS, STORIES))
        self.problems = self.write("cases.jsonl", ({**p, "question": f"Case {case}: {p['question']}"} for case in range(8) for p in problems))
        self.questions = self.write("questions.jsonl", self.asked(stories, random.Random(0)))
        self.study = folder / "study.yaml"
        self.study.write_text(STUDY.format(model=MODEL, problems=PROBLEMS, stories=STORIES, questions=self.questions))

    def write(self, name, records):
        path = self.folder / name
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        return path

    @staticmethod
    def asked(stories, draw):
        """Which of four ends a story has, in ARC's form."""
        for case in range(6):
            for number, story in enumerate(stories):
                ends = [other["response"] for other in draw.sample([s for s in stories if s is not story], 3)]
                ends.insert(right := draw.randrange(4), story["response"])
                choices = [{"label": "ABCD"[place], "text": end.strip()} for place, end in enumerate(ends)]
                yield {"id": f"{case}-{number}", "question": {"stem": f"Case {case}: {story['prompt']}", "choices": choices}, "answerKey": "ABCD"[right]}

    def made(self, name, *command):
        """A file or folder that a command makes once."""
        path = self.folder / name
        if not path.exists():
            self.run([*command, "--out", path, *ONE, "--quiet"])
        return path

    @property
    def finished_study(self):
        path = self.folder / "study"
        if not path.exists():
            self.run(["study", "run", self.study, "--out", path, "--quiet"])
        return path

    @property
    def adapters(self):
        return self.made("adapters", "sft", MODEL, "--data", PROBLEMS, "--lora-rank", 4, "--lora-targets", "all-linear", "--steps", 8, "--batch-size", 4,
                         "--accumulate", 1, "--lr", "1e-3", "--save-every", 4, "--keep", 2)

    def pattern(self, model, data):
        return self.made(f"{model.name}-{data.stem}.safetensors", "pattern", model, "--data", data, "--dtype", "float32", "--per-sample", "--tokens", 2)


ONE = ["--threads", 1]
FLOAT32 = ["--dtype", "float32", "--batch-tokens", 256, *ONE]

STUDY = """
study: Killed and gone on with
make: [table-1, figure-2, figure-5, table-2, table-3]
models:
  - {{name: model, path: {model}}}
tasks:
  - {{name: problems, role: [basic, pool], group: mathematics, data: {problems}, format: gsm8k}}
  - {{name: stories, role: [basic, pool], group: text, data: {stories}}}
  - {{name: questions, role: target, data: {questions}, format: arc, limit: 60, benchmark: arc}}
training: {{lr: 2e-4, epochs: 1, batch_size: 4, accumulate: 1, dtype: float32, max_length: 400, warmup_ratio: 0, save_every: 2}}
seeds: [0]
threads: 1
leaks: drop
budgets: {{train: 24, probe: 8, questions: 8, pool: 16}}
fit: {{bootstrap: 40, permutations: 10, held_out: 4}}
figure_5: {{every: 3}}
table_2: {{total: 16, keep: 2, folds: 2, samples: 12, random_draws: 1, arms: [target-alone, all-candidates]}}
table_3: {{samples: 8, choose: [8], random_draws: 1, methods: [{{representation: pattern, algorithm: mean}}, {{representation: embedding}}]}}
"""


def pattern(m, place):
    return ["pattern", MODEL, "--data", m.problems, *FLOAT32, "--per-sample", "--score", "magnitude,signed,token,saliency", "--tokens", 3, "--json", "--out", place / "pattern.safetensors"]


def represent(representation):
    def arguments(m, place):
        gradient = representation == "gradient"
        more = ["--limit", 120, "--dimension", 512, "--checkpoints", "all"] if gradient else []
        return ["represent", m.adapters if gradient else MODEL, "--data", m.problems, "--representation", representation, *FLOAT32, "--json", *more, "--out", place / "rows.safetensors"]

    return arguments


def evaluate(*benchmark):
    def arguments(m, place):
        asked = [m.questions if part == "questions" else m.problems if part == "problems" else part for part in benchmark]
        return ["evaluate", MODEL, "--benchmark", *asked, *FLOAT32, "--out", place / "result.json", "--predictions", place / "predictions.jsonl"]

    return arguments


CHOICE = evaluate("arc", "--data", "questions")
TEXT = evaluate("gsm8k", "--shot-count", 0, "--data", "problems", "--limit", 192)


def sft(*more, steps=40, save_every=4):
    # Every kind of state that a checkpoint holds is in use.
    return lambda m, place: ["sft", MODEL, "--data", PROBLEMS, "--steps", steps, "--batch-size", 2, "--accumulate", 2, "--lr", "1e-3", "--weight-decay", 0.01, "--save-every", save_every, "--keep", 2,
                             "--track", PROBLEMS, "--track-limit", 6, "--track-every", 5, "--eval-data", PROBLEMS, "--eval-limit", 6, "--eval-every", 5, "--seed", 3, *ONE, *more, "--out", place / "tuned"]


def ablate(m, place):
    return ["ablate", MODEL, "--data", PROBLEMS, "--limit", 24, *FLOAT32, "--strongest", 12, "--cumulative", "--random-orders", 2, "--bootstrap", 100, "--per-sample", "--out", place / "ablation.json", "--svg", place / "ablation.svg"]


def study(m, place):
    return ["study", "run", m.study, "--out", place / "study"]


def mix(m, place):
    return ["mix", "--shares", "random", "--total", 80, "--data", f"problems={m.problems}", f"stories={STORIES}", "--out", place / "mixture.jsonl"]


def select(m, place):
    return ["select", "--target", m.pattern(MODEL, STORIES), "--pool", m.pattern(MODEL, m.problems), "--pool-data", m.problems, "--top", 200, "--explain", "--out", place / "chosen.jsonl"]


def change(m, place):
    return ["change", m.pattern(MODEL, PROBLEMS), m.pattern(TUNED, PROBLEMS), "--out", place / "change.safetensors"]


def fit(m, place):
    before, after = m.pattern(MODEL, PROBLEMS), m.pattern(TUNED, PROBLEMS)
    return ["fit", "--target", after, "--basic", f"before={before}", f"stories={m.pattern(MODEL, STORIES)}", "--mixed", "--bootstrap", 100, "--permutations", 99, "--out", place / "fit.json"]


def patterns_there(m, place):
    """A folder for a page: two patterns, samples token by token among them."""
    for model in (MODEL, TUNED):
        path = m.pattern(model, PROBLEMS)
        for file in path.parent.glob(f"{path.stem}.*"):
            shutil.copy(file, place)


def steps_there(m, place):
    """A study whose steps are done, and of which nothing is shown yet."""
    shutil.copytree(m.finished_study, place / "study", ignore=lambda folder, names: {"report", "tables", "figures", "study.json"} if pathlib.Path(folder) == m.finished_study else set())


OVER = ("--overwrite",)
KINDS = [
    Kind("pattern", pattern, 12),
    Kind("pattern-ranks", pattern, 6, ranks=2, same_as="pattern"),
    Kind("represent-loss", represent("loss"), 4),
    Kind("represent-embedding", represent("embedding"), 4),
    Kind("represent-gradient", represent("gradient"), 5),
    Kind("evaluate-choice", CHOICE, 7),
    Kind("evaluate-text", TEXT, 7),
    Kind("evaluate-loss", evaluate("loss", "--data", "problems"), 6),
    Kind("evaluate-ranks", CHOICE, 6, ranks=2, same_as="evaluate-choice"),
    Kind("ablate", ablate, 5),
    Kind("sft", sft(), 13),
    # A checkpoint at the end alone, so that what a disk has no room for is the trained model itself.
    Kind("sft-final", sft(save_every=40), 0),
    Kind("sft-adapters", sft("--lora-rank", 4, "--lora-targets", "all-linear", "--lora-dropout", 0.1), 7),
    Kind("sft-ranks", sft(steps=20), 6, ranks=2),
    Kind("study", study, 7, again=()),
    Kind("study-report", study, 2, again=(), prepare=steps_there),
    Kind("demo", lambda m, place: ["demo", "--size", "tiny", *ONE, "--out", place / "demo"], 3),
    Kind("world", lambda m, place: ["world", "--pretraining", 400, "--train", 8, "--pool", 4, "--test", 4, "--out", place / "world"], 0, again=OVER),
    Kind("mix", mix, 0, again=OVER),
    Kind("select", select, 0, again=OVER),
    Kind("change", change, 0, again=OVER),
    Kind("fit", fit, 0, again=OVER),
    Kind("heatmap", lambda m, place: ["heatmap", m.pattern(MODEL, PROBLEMS), m.pattern(TUNED, PROBLEMS), "--out", place / "levels.svg"], 0, again=OVER),
    Kind("merge", lambda m, place: ["merge", m.adapters, "--out", place / "merged"], 0, again=OVER),
    Kind("data", lambda m, place: ["data", m.problems, "--write", place / "pairs.jsonl"], 0, again=OVER),
    Kind("report", lambda m, place: ["report", place], 0, again=OVER, prepare=patterns_there),
]
