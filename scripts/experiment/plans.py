"""What run.py makes: studies with their seeds, and what steps take. docs/Findings-plan.md says why; both change together."""

# Seconds that a step of a kind takes before it computes, and operations a second then, on one thread of an AMD processor with AVX2: of the development
# seed of `figures`, `mixtures-hellaswag`, `choices` and `choices-gradient` (run.py --measure), by the processor's time, since other work ran beside them.
FIXED = {"sft": 0.12, "pattern": 0.05, "evaluate": 0.3, "represent": 0.05, "ablate": 0.1, "part": 0.02, "other": 0.02}
RATE = {"sft": 6e10, "pattern": 5.5e10, "evaluate": 2e11, "represent": 3e10, "ablate": 4e10, "other": 1e12}
# Of pretraining the small world's Llama.
SECONDS_A_TEXT = 0.0025

REPORTED, DEVELOPMENT = list(range(1, 11)), [101, 102]
FIGURES = ["table-1", "figure-1", "figure-2", "figure-4", "figure-5"]


def small_world(is_development):
    seeds = DEVELOPMENT if is_development else REPORTED

    def first(count):
        return seeds[:count]

    return {
        # Of each skill: 240 samples to train on, 100 to choose from, 200 questions; text for the longest pretraining.
        "world": {"pretraining": 204_800, "train": 240, "pool": 100, "test": 200},
        # Texts: a quarter of the demo's, the demo's, and twice as many.
        "bases": {"short": 12_800, "base": 51_200, "long": 102_400},
        "pretraining": ["--epochs", 1, "--lr", "2e-3", "--batch-size", 32, "--accumulate", 1, "--warmup-ratio", 0.05, "--weight-decay", 0.01],
        "studies": [
            {"name": "figures", "file": "small-world-figures.yaml", "make": FIGURES + ["ablation"], "seeds": first(10), "bases": ["base"]},
            {"name": "table-2", "file": "small-world-targets.yaml", "make": ["table-2"], "seeds": first(6), "bases": ["base"]},
            {"name": "retrieval", "file": "small-world-retrieval.yaml", "make": ["retrieval"], "seeds": first(5), "bases": ["base"]},
            {"name": "table-3", "file": "small-world-targets.yaml", "make": ["table-3"], "seeds": first(3), "bases": ["base"]},
            {"name": "bases", "file": "small-world-figures.yaml", "make": ["table-1", "figure-5"], "seeds": first(3), "bases": ["short", "base", "long"]},
            {"name": "distance-bins", "file": "small-world-targets.yaml", "make": ["distance-bins"], "seeds": first(3), "bases": ["base"],
             "set": {"tasks.capital-reversal.role": "[target, pool]", "distance_bins.targets": "[capital-reversal]", "training.epochs": "4"}},
            {"name": "datamodelling", "file": "small-world-targets.yaml", "make": ["datamodelling"], "seeds": first(1), "bases": ["base"],
             "set": {"budgets.pool": "20", "training.epochs": "3"}},
        ],
    }


def domain(shared, split, subjects):
    """Files of MMLU's subjects; those of no domain where none is named."""
    folder = shared.resolve() / "data/mmlu" / split
    known = {subject for names in DOMAINS.values() for subject in names}
    files = sorted(folder.glob("*.csv"))
    names = [(file, file.stem.removesuffix(f"_{split}")) for file in files]
    return ", ".join(str(file) for file, name in names if (name in subjects if subjects else name not in known))


# As the paper's study has them.
DOMAINS = {
    "MATHEMATICS": ["abstract_algebra", "college_mathematics", "elementary_mathematics", "high_school_mathematics", "high_school_statistics"],
    "PHYSICS": ["college_physics", "conceptual_physics", "high_school_physics"],
    "CHEMISTRY": ["college_chemistry", "high_school_chemistry"],
    "BIOLOGY": ["college_biology", "high_school_biology"],
}


def real(shared, is_development):
    seeds = [101] if is_development else [1, 2, 3]
    # Of mixtures, whose arms are many: of three seeds the corrected intervals are more than twice as wide.
    more = [101] if is_development else [1, 2, 3, 4]
    marks = {}
    for name, subjects in DOMAINS.items():
        for split in ("val", "test"):
            marks[f"MMLU_{split.upper()}_{name}"] = domain(shared, split, subjects)
    marks["MMLU_TEST_OTHERS"] = domain(shared, "test", [])
    found, told = ["gsm8k", "sgsm", "hellaswag", "arc"], ["math", "code", "winogrande"]
    return {
        "marks": marks,
        "studies": [
            {"name": "figures", "file": "real-figures.yaml", "make": FIGURES + ["ablation"], "seeds": seeds},
            {"name": "ablation-accuracy", "file": "real-figures.yaml", "make": ["ablation"], "seeds": seeds[:1],
             "set": {"tasks.hellaswag.role": "target", "tasks.hellaswag.hold_out": "0.7", "tasks.hellaswag.benchmark": "hellaswag",
                     "ablation.tasks": "[hellaswag]", "ablation.samples": "40", "budgets.questions": "40"}},
            {"name": "flask", "file": "real-flask.yaml", "make": ["figure-4"], "seeds": seeds},
            {"name": "mixtures", "file": "real-mixtures.yaml", "make": ["table-2"], "seeds": more},
            {"name": "mixtures-hellaswag", "file": "real-mixtures.yaml", "make": ["table-2"], "seeds": more,
             "set": {"tasks.hellaswag.role": "target", "tasks.hellaswag.hold_out": "0.7", "tasks.hellaswag.benchmark": "hellaswag",
                     "table_2.targets": "[hellaswag]", "table_2.wrong": "[gsm8k, math]"}},
            {"name": "choices", "file": "real-choices.yaml", "make": ["table-3"], "seeds": seeds},
            {"name": "choices-gradient", "file": "real-choices.yaml", "make": ["table-3"], "seeds": seeds[:1],
             "set": {"table_3.targets": "[mmlu-mathematics]", "table_3.methods": "[{representation: gradient, algorithm: mean}]"}},
            {"name": "choices-hellaswag", "file": "real-choices.yaml", "make": ["table-3"], "seeds": seeds, "set": {"table_3.targets": "[hellaswag]"}},
            {"name": "retrieval-found", "file": "real-retrieval.yaml", "make": ["retrieval"], "seeds": seeds,
             "set": {"retrieval.targets": f"[{', '.join(found)}]"}},
            {"name": "retrieval-told", "file": "real-retrieval.yaml", "make": ["retrieval"], "seeds": seeds,
             "set": {"retrieval.targets": f"[{', '.join(told)}]", "retrieval.tuned": "false"}},
            {"name": "retrieval-second", "file": "real-retrieval.yaml", "make": ["retrieval"], "seeds": seeds,
             "set": {"models": "[{name: stories260K, path: SHARED/models/stories260K_hf}]"}},
        ],
    }
