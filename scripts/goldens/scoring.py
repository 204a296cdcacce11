"""Log-probabilities of continuations by transformers: Tests/LanguageModelsTests/Fixtures/scoring.json.

    "$(scripts/python)" scripts/goldens/scoring.py

For every tiny model of Tests/Goldens/Fixtures (scripts/goldens/models.py), in float64 and one sequence at a time: the sum of the log-probabilities of a sequence's last tokens.
The sequences are laid out as benchmarks are: a beginning that two questions share, questions that several options share, and some that share nothing.
"""
import json, pathlib, sys

import torch, transformers
from transformers import AutoModelForCausalLM

root = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "Benchmarks" / "peers"))
import attention_probe  # noqa: E402

draw = torch.Generator().manual_seed(5)
text = lambda n: torch.randint(0, 48, (n,), generator=draw).tolist()
shots, first, second = text(12), text(9), text(10)
SEQUENCES = []
for question in (first, second):
    context = shots + question
    for tail in (1, 1, 2, 4): SEQUENCES.append({"tokens": context + text(tail), "first": len(context)})
    # The whole is scored, as for a perplexity.
    SEQUENCES.append({"tokens": context + text(3), "first": 1})
SEQUENCES += [{"tokens": text(5), "first": 2}, {"tokens": shots[:9], "first": 4}, {"tokens": shots[:9], "first": 8}, {"tokens": shots, "first": 1}]


def load(folder):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64).eval()
    attention_probe.widen_norms(model)
    return model


def sums(folder):
    found, model = [], load(folder)
    scaling = json.loads((folder / "config.json").read_text())
    # Dynamic scaling remembers the longest sequence so far: each gets a model of its own.
    stretches = "dynamic" in json.dumps(scaling.get("rope_scaling") or scaling.get("rope_parameters") or {})
    for sequence in SEQUENCES:
        ids, first = sequence["tokens"], sequence["first"]
        if stretches: model = load(folder)
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids[:-1]])).logits[0]
        each = torch.log_softmax(logits, -1).gather(1, torch.tensor(ids[1:]).unsqueeze(1)).squeeze(1)
        found.append(each[first - 1 :].sum().item())
    return found


models = sorted(folder for folder in (root / "Tests" / "Goldens" / "Fixtures").iterdir() if (folder / "config.json").exists())
target = root / "Tests" / "LanguageModelsTests" / "Fixtures" / "scoring.json"
target.write_text(json.dumps({
    "provenance": f"transformers {transformers.__version__}, torch {torch.__version__}, float64", "sequences": SEQUENCES,
    "models": {folder.name: sums(folder) for folder in models}}, indent=None) + "\n")
print(target, target.stat().st_size)
