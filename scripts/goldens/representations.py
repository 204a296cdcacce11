"""What stands for a sample where samples are chosen by likeness, computed by transformers, PEFT, PyTorch and numpy alone.

    "$(scripts/python)" scripts/goldens/representations.py

Embeddings and losses of the fixtures' own samples (samples.json of Tests/Goldens/Fixtures), in float64, written to
Tests/ProbingTests/Fixtures/representations/MODEL.safetensors:

    embedding             [N, width] Σ i·h_i / Σ i over a sample's tokens, i from 1; h is the last of transformers' hidden_states
                          (RDS+, Ivison et al. 2025: minimal_multitask/compute_influence_cosinesim.py, --pooling weighted_mean)
    loss                  [N] mean cross-entropy over the labels: every token after the prompt, the first of a sample never

Gradients of the samples of Tests/FineTuningTests/Fixtures/MODEL/training.json by PEFT's adapter beside them, in float64, written to
Tests/FineTuningTests/Fixtures/MODEL/gradients.safetensors:

    index                 [N] which samples
    NAME                  [N, ...] the gradient of each sample's own mean loss by this weight of the adapter, under PEFT's names

and, of numbers drawn by numpy, to Tests/FineTuningTests/Fixtures/influence.safetensors:

    gradient              [3, 300] F32, over twelve orders of magnitude, one entry 0
    first, second         [300] F32, an Adam's moments; some second moments are 0
    adam                  [3, 300] m' / √(v' + ε), m' = β₁ m + (1 − β₁) g, v' = β₂ v + (1 − β₂) g² with β = (0.9, 0.999), ε = 1e-8, in float32 as
                          LESS's obtain_gradients_with_adam does it (princeton-nlp/LESS, less/data_selection/collect_grad_reps.py)
    signs                 [300, 100] the signs of the projection for seed 5
    projected             [3, 100] gradient · signs / √100 in float64
"""
import json, pathlib, sys

import numpy, peft, torch, transformers
from safetensors.torch import save_file

import fine_tuning

root = pathlib.Path(__file__).resolve().parents[2]
EMBEDDED = ["llama-head-dim", "llama-grouped-tied", "gemma-multi-query", "opt-published", "opt-post-norm", "olmo2-grouped", "qwen3-tied", "mistral-sliding"]
SAMPLES = [0, 3, 5, 9, 20]
MASK = (1 << 64) - 1


def write(path, tensors, provenance):
    path.parent.mkdir(parents=True, exist_ok=True)
    provenance = {"script": "scripts/goldens/representations.py", "torch": torch.__version__, "transformers": transformers.__version__, **provenance}
    tensors = {n: t.detach().to(torch.int64 if t.dtype == torch.int64 else torch.float32).contiguous() for n, t in tensors.items()}
    save_file(tensors, path, metadata={"provenance": json.dumps(provenance)})
    path.chmod(0o644)
    print(f"{path.relative_to(root)}: {', '.join(f'{n} {list(t.shape)}' for n, t in tensors.items())}"[:200])


def loss(model, sample):
    ids, start = torch.tensor([sample["ids"]]), max(sample["prompt_length"], 1)
    logits = model(input_ids=ids).logits[0]
    return torch.nn.functional.cross_entropy(logits[start - 1 : -1], ids[0, start:])


def embeddings(name):
    model = fine_tuning.load(name, torch.float64)
    samples = json.loads((fine_tuning.FIXTURES / name / "samples.json").read_text())
    rows, losses = [], []
    with torch.no_grad():
        for sample in samples:
            hidden = model(input_ids=torch.tensor([sample["ids"]]), output_hidden_states=True).hidden_states[-1][0]
            weights = torch.arange(1, len(hidden) + 1, dtype=torch.float64)
            rows.append((hidden * (weights / weights.sum()).unsqueeze(1)).sum(0))
            losses.append(loss(model, sample))
    write(root / f"Tests/ProbingTests/Fixtures/representations/{name}.safetensors", {"embedding": torch.stack(rows), "loss": torch.stack(losses)}, {"model": name})


def gradients(name):
    folder = root / "Tests/FineTuningTests/Fixtures" / name
    model = peft.PeftModel.from_pretrained(fine_tuning.load(name, torch.float64), folder / "lora", is_trainable=True, autocast_adapter_dtype=False).eval()
    for p in model.parameters():
        p.data = p.data.to(torch.float64)
    samples = json.loads((folder / "training.json").read_text())["samples"]
    found = {}
    for index in SAMPLES:
        model.zero_grad()
        loss(model, samples[index]).backward()
        for n, p in model.named_parameters():
            if p.requires_grad:
                found.setdefault(n.replace(".default.", "."), []).append(p.grad.clone())
    tensors = {n: torch.stack(rows) for n, rows in found.items()}
    write(folder / "gradients.safetensors", {"index": torch.tensor(SAMPLES)} | tensors, {"model": name, "peft": peft.__version__})


class Generator:
    """xoshiro256** seeded through splitmix64 (Blackman and Vigna 2018), as Headway's SeededGenerator."""

    def __init__(self, seed):
        self.s = []
        for _ in range(4):
            seed = (seed + 0x9E3779B97F4A7C15) & MASK
            z = seed
            z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
            z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
            self.s.append(z ^ (z >> 31))

    def next(self):
        def rotated(x, k):
            return ((x << k) | (x >> (64 - k))) & MASK

        s = self.s
        result, t = (rotated((s[1] * 5) & MASK, 7) * 9) & MASK, (s[1] << 17) & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotated(s[3], 45)
        return result


def stream(seed, name):
    """The generator of a named stream: FNV-1a of the name, mixed with the seed's first number."""
    hashed = 0xCBF29CE484222325
    for byte in name.encode():
        hashed = ((hashed ^ byte) * 0x100000001B3) & MASK
    return Generator(Generator(seed).next() ^ hashed)


def signs(rows, columns, seed):
    key, result = stream(seed, "random projection").next(), numpy.empty((rows, columns))
    for row in range(rows):
        generator, bits = Generator((key + row) & MASK), []
        while len(bits) < columns:
            word = generator.next()
            bits += [(word >> b) & 1 for b in range(64)]
        result[row] = [-1 if b else 1 for b in bits[:columns]]
    return result


def influence():
    draw = numpy.random.default_rng(14)
    gradient = (draw.standard_normal((3, 300)) * 10.0 ** draw.integers(-9, 3, (3, 300))).astype(numpy.float32)
    gradient[1, 7] = 0
    first = (draw.standard_normal(300) * 10.0 ** draw.integers(-6, 1, 300)).astype(numpy.float32)
    second = (first.astype(numpy.float64) ** 2 * draw.uniform(0.5, 3, 300)).astype(numpy.float32)
    second[:20] = 0
    g, avg, avg_sq = (torch.from_numpy(x) for x in (gradient, first, second))
    updated, squares = 0.9 * avg + (1 - 0.9) * g, 0.999 * avg_sq + (1 - 0.999) * g**2
    adam = updated / torch.sqrt(squares + 1e-08)
    matrix = signs(300, 100, 5)
    projected = gradient.astype(numpy.float64) @ matrix / numpy.sqrt(100)
    tensors = {"gradient": g, "first": avg, "second": avg_sq, "adam": adam, "signs": torch.from_numpy(matrix), "projected": torch.from_numpy(projected)}
    write(root / "Tests/FineTuningTests/Fixtures/influence.safetensors", tensors, {"numpy": numpy.__version__})


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in EMBEDDED:
        embeddings(name)
    for name in fine_tuning.MODELS:
        gradients(name)
    influence()
