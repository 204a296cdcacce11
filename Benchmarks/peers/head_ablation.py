"""What switching every head off does to the loss, in careful PyTorch: the peer of `headway ablate --all`.

    python head_ablation.py MODEL_DIR data.jsonl [--limit N] [--copies 8] [--threads 2]

One sample at a time with a batch of `--copies` heads: each row of the batch is a copy of the sample in which another head's values are zeroed before the
output projection, so there is no padding; logits at label positions only; float32. Prints as JSON samples, heads, tokens, seconds, the mean loss and, per head, its mean change.
"""
import argparse, json, time

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from reference_patterns import encode


def main():
    a = argparse.ArgumentParser()
    a.add_argument("model"); a.add_argument("data"); a.add_argument("--limit", type=int); a.add_argument("--max-length", type=int, default=1024)
    a.add_argument("--threads", type=int, default=2); a.add_argument("--copies", type=int, default=8)
    o = a.parse_args()
    torch.set_num_threads(o.threads)
    torch.set_grad_enabled(False)
    model = AutoModelForCausalLM.from_pretrained(o.model, dtype=torch.float32, attn_implementation="sdpa").eval()
    tokenizer = AutoTokenizer.from_pretrained(o.model)
    samples = [encode(tokenizer, json.loads(line), o.max_length) for line in list(open(o.data))[: o.limit]]
    layers, heads = model.config.num_hidden_layers, model.config.num_attention_heads
    projections = [m for name, m in model.named_modules() if name.endswith(("self_attn.o_proj", "self_attn.out_proj"))]
    off = {}  # layer → [(row of the batch, head)]

    def hook(layer):
        def zero(module, inputs):
            if layer not in off:
                return None
            x = inputs[0].clone()
            width = x.shape[-1] // heads
            for row, head in off[layer]:
                x[row, :, head * width : (head + 1) * width] = 0
            return (x,)

        return zero

    for layer, projection in enumerate(projections):
        projection.register_forward_pre_hook(hook(layer))

    def losses(sample, chosen):
        off.clear()
        for row, place in enumerate(chosen):
            if place is not None:
                off.setdefault(place[0], []).append((row, place[1]))
        ids = torch.tensor([sample[0]] * len(chosen))
        first = max(sum(label == -100 for label in sample[1]), 1)
        hidden = model.model(input_ids=ids[:, :-1]).last_hidden_state[:, first - 1 :]
        logits = model.lm_head(hidden).float()
        return torch.nn.functional.cross_entropy(logits.transpose(1, 2), ids[:, first:], reduction="none").mean(1)

    places = [None] + [(layer, head) for layer in range(layers) for head in range(heads)]
    started = time.perf_counter()
    total = torch.zeros(len(places), dtype=torch.float64)
    for sample in samples:
        found = [losses(sample, places[i : i + o.copies]) for i in range(0, len(places), o.copies)]
        total += torch.cat(found).double()
    seconds = time.perf_counter() - started
    change = (total[1:] - total[0]) / len(samples)
    print(json.dumps({"samples": len(samples), "heads": layers * heads, "tokens": sum(len(ids) for ids, _ in samples), "seconds": seconds, "loss": total[0].item() / len(samples), "change": change.tolist()}))


if __name__ == "__main__":
    main()
