"""Patterns as one gets them from TransformerLens: each head's output (hook_z) times its gradient, summed over a sample's positions and values.

    python lens_patterns.py MODEL_DIR data.jsonl out.npz [--limit N] [--batch-tokens 1024] [--dtype float32]

What a careful user of TransformerLens would write: weights frozen, samples sorted by length and padded on the right to the longest of their batch (a causal
model needs no mask for that), the gradients of the hooked outputs alone, the projection at label positions only. The model is TransformerLens's own
(HookedTransformer), with its own conversion of the weights (scripts/goldens/hooked_levels.py). out.npz holds `signed.samples` [N, L, H] and `loss` [N].
"""
import argparse, json, pathlib, resource, sys, time

import numpy as np, torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import packing
from reference_patterns import encode

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "goldens"))
from hooked_levels import hooked  # noqa: E402


def main():
    a = argparse.ArgumentParser()
    a.add_argument("model"); a.add_argument("data"); a.add_argument("out")
    a.add_argument("--limit", type=int); a.add_argument("--max-length", type=int, default=1024)
    a.add_argument("--batch-tokens", type=int, default=1024); a.add_argument("--dtype", default="float32"); a.add_argument("--threads", type=int, default=2)
    o = a.parse_args()
    torch.set_num_threads(o.threads)
    packing.keep_freed_memory()
    tokenizer = AutoTokenizer.from_pretrained(o.model)
    dtype = getattr(torch, o.dtype)
    model = hooked(AutoModelForCausalLM.from_pretrained(o.model, dtype=dtype), dtype).requires_grad_(False)
    layers = model.cfg.n_layers
    encoded = [encode(tokenizer, json.loads(line), o.max_length) for line in list(open(o.data))[: o.limit]]
    levels = np.zeros((len(encoded), layers, model.cfg.n_heads), np.float32)
    losses = np.zeros(len(encoded), np.float32)

    def process(batch):
        kept = []

        def keep(z, hook):
            kept.append(z if z.requires_grad else z.requires_grad_())
            return z

        width = max(len(x) for x, _, _ in batch)
        ids = torch.tensor([x + [0] * (width - len(x)) for x, _, _ in batch])
        places = [(row, t) for row, (_, y, _) in enumerate(batch) for t in range(len(y) - 1) if y[t + 1] != -100]
        rows = torch.tensor([row for row, _ in places])
        targets = torch.tensor([batch[row][1][t + 1] for row, t in places])
        counts = torch.bincount(rows, minlength=len(batch))
        with model.hooks(fwd_hooks=[(lambda name: name.endswith("hook_z"), keep)]):
            residual = model(ids, stop_at_layer=layers)
            hidden = model.ln_final(residual[rows, torch.tensor([t for _, t in places])][None])
            logits = model.unembed(hidden)[0]
        each = torch.nn.functional.cross_entropy(logits.float(), targets, reduction="none") / counts[rows]
        gradients = torch.autograd.grad(each.sum(), kept)
        which = [i for _, _, i in batch]
        levels[which] = torch.stack([(z.detach() * g).float().sum((1, 3)) for z, g in zip(kept, gradients)], 1).numpy()
        losses[which] = torch.zeros(len(batch)).index_add_(0, rows, each.detach()).numpy()

    planned = packing.batches([(x, y, i) for i, (x, y) in enumerate(encoded)], o.batch_tokens)
    process(planned[0][:1])
    started = time.perf_counter()
    for batch in planned:
        process(batch)
    seconds = time.perf_counter() - started
    tokens = sum(len(x) for x, _ in encoded)
    np.savez(o.out, **{"signed.samples": levels, "loss": losses})
    print(json.dumps({"samples": len(encoded), "tokens": tokens, "seconds": seconds, "tokens_per_second": tokens / seconds,
                      "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))


if __name__ == "__main__":
    main()
