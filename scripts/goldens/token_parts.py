"""The two parts of the score `token`: queries that predict no label, and queries that predict one, from full attention matrices in float64.

    "$(scripts/python)" scripts/goldens/token_parts.py

The models and samples are fixtures of Tests/Goldens/Fixtures (scripts/goldens/models.py). Written to Tests/ProbingTests/Fixtures:

    token_parts.safetensors    FIXTURE.token-prompt and FIXTURE.token-response [samples, layers, heads], float32
"""
import json, pathlib, sys

import torch, transformers
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Benchmarks" / "peers"))
import attention_probe  # noqa: E402

FIXTURES = ["llama-grouped-tied", "mistral-sliding", "opt-published"]
ABOUT = {"script": "scripts/goldens/token_parts.py", "torch": torch.__version__, "transformers": transformers.__version__}


def parts(model, sample):
    """Σ_q |Σ_k A ⊙ ∂L/∂A| over the queries of either part, each [layers, heads]."""
    ids = torch.tensor([sample["ids"]])
    first = max(sample["prompt_length"], 1)
    logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0]
    torch.nn.functional.cross_entropy(logits[first - 1 : -1], ids[0, first:]).backward()
    matrices = [attention_probe._kept[layer] for layer in range(model.config.num_hidden_layers)]
    each = torch.stack([(m.detach() * m.grad)[0].sum(-1).abs() for m in matrices])  # [layers, heads, tokens]
    predicts = torch.zeros(ids.shape[1], dtype=torch.bool)
    predicts[first - 1 : -1] = True
    attention_probe._kept.clear()
    model.zero_grad(set_to_none=True)
    return each[..., ~predicts].sum(-1), each[..., predicts].sum(-1)


def main():
    torch.set_num_threads(1)
    result = {}
    for name in FIXTURES:
        folder = ROOT / "Tests" / "Goldens" / "Fixtures" / name
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64).eval()
        attention_probe.widen_norms(model)
        attention_probe.attach(model)
        found = [parts(model, sample) for sample in json.loads((folder / "samples.json").read_text())]
        for part, levels in zip(("token-prompt", "token-response"), zip(*found)):
            result[f"{name}.{part}"] = torch.stack(levels).float().contiguous()
    save_file(result, ROOT / "Tests" / "ProbingTests" / "Fixtures" / "token_parts.safetensors", metadata={"provenance": json.dumps(ABOUT)})


if __name__ == "__main__":
    main()
