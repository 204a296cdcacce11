"""What switching heads off does to the loss, by transformers: Tests/ProbingTests/Fixtures/ablation.json.

    "$(scripts/python)" scripts/goldens/ablation.py

For some of the tiny models of Tests/Goldens/Fixtures (scripts/goldens/models.py), in float64 and one sample at a time: the mean cross-entropy over a
sample's labels after the weights of the output projection (o_proj; out_proj of OPT, c_proj of GPT-2, dense of GPT-NeoX) that read a head's values are set to zero. Sets of heads: each
head alone, two heads of one layer, heads across layers, and whole layers.
"""
import json, pathlib, sys

import torch, transformers
from transformers import AutoModelForCausalLM

root = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "Benchmarks" / "peers"))
import attention_probe  # noqa: E402

# Grouped key/value heads, one key/value head, learned positions with biases, post-norm, a window, norms behind the projection, weights stored
# transposed, attention beside the feed-forward part.
MODELS = ["llama-grouped-tied", "llama-head-dim", "gemma-multi-query", "gemma-untied", "opt-published", "opt-post-norm", "mistral-sliding", "olmo2-grouped", "gpt2-untied", "gpt-neox-published"]
PROJECTIONS = ("self_attn.o_proj", "self_attn.out_proj", ".attn.c_proj", ".attention.dense")


def projections(model):
    return [m for name, m in model.named_modules() if name.endswith(PROJECTIONS)]


def by_inputs(projection):
    """The weight as [inputs, outputs], which shares its memory; Conv1D stores it so."""
    return projection.weight if type(projection).__name__ == "Conv1D" else projection.weight.t()


def losses(model, samples):
    found = []
    for sample in samples:
        ids = torch.tensor([sample["ids"]])
        with torch.no_grad():
            logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0]
        first = max(sample["prompt_length"], 1)
        found.append(torch.nn.functional.cross_entropy(logits[first - 1 : -1], ids[0, first:]).item())
    return found


def ablated(name):
    folder = root / "Tests" / "Goldens" / "Fixtures" / name
    samples = json.loads((folder / "samples.json").read_text())
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64).eval()
    attention_probe.widen_norms(model)
    parts = projections(model)
    layers, heads = model.config.num_hidden_layers, model.config.num_attention_heads
    assert len(parts) == layers
    width = by_inputs(parts[0]).shape[0] // heads
    sets = [[[l, h]] for l in range(layers) for h in range(heads)]
    sets += [[[0, 1], [0, 3]], [[0, 0], [layers - 1, 2]], [[l, 1] for l in range(layers)]]
    sets += [[[l, h] for h in range(heads)] for l in range(layers)]
    sets += [[[l, h] for l in range(layers) for h in range(heads)]]
    whole = losses(model, samples)
    kept = [p.weight.detach().clone() for p in parts]
    without = []
    for chosen in sets:
        with torch.no_grad():
            for layer, head in chosen:
                by_inputs(parts[layer])[head * width : (head + 1) * width] = 0
            without.append(losses(model, samples))
            for part, weight in zip(parts, kept):
                part.weight.copy_(weight)
    return {"model": name, "loss": whole, "sets": sets, "without": without}


def main():
    torch.set_num_threads(1)
    about = {"script": "scripts/goldens/ablation.py", "torch": torch.__version__, "transformers": transformers.__version__}
    out = root / "Tests" / "ProbingTests" / "Fixtures" / "ablation.json"
    cases = [json.dumps(ablated(name)) for name in MODELS]
    out.write_text('{"provenance": ' + json.dumps(about) + ',\n"cases": [\n' + ",\n".join(cases) + "\n]}\n")
    print(f"{out.name}: {out.stat().st_size / 1024:.0f} kB")


if __name__ == "__main__":
    main()
