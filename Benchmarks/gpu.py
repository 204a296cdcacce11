#!/usr/bin/env python3
"""Times patterns on a CUDA device against a careful PyTorch program and against the device's own rate of bfloat16 matrix products.

    python Benchmarks/gpu.py [--headway PROGRAM] [--shape llama3-8b] [--layers N] [--samples 384] [--batch-tokens 8192]

Needs what peers/requirements.txt names, with a PyTorch that sees the device. Models (random weights) and prompts (GSM8K's lengths) are made once, in the
cache that the other benchmarks use. The share is of torch.mm of 8192 x 8192 matrices of random numbers; counted are the products with weights alone: every
linear layer forward and by its input (the lowest layer's q, k and v forward only), the vocabulary projection both ways at the labels. Prints a line of JSON
for each program.
"""
import argparse, json, pathlib, subprocess, sys, tempfile, time

import inputs

here = pathlib.Path(__file__).resolve().parent


def matrix_rate(size=8192, seconds=2):
    """FLOP/s of bfloat16 products of random numbers."""
    import torch

    a, b = (torch.randn(size, size, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    for _ in range(3):
        a @ b
    torch.cuda.synchronize()
    started, count = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        for _ in range(20):
            a @ b
        torch.cuda.synchronize()
        count += 20
    return 2 * size**3 * count / (time.perf_counter() - started)


def operations(model, prompts):
    """Of all samples' products with weights."""
    from transformers import AutoConfig, AutoTokenizer

    sys.path.insert(0, str(here / "peers"))
    from reference_patterns import encode

    c, tokenizer = AutoConfig.from_pretrained(model), AutoTokenizer.from_pretrained(model)
    width = getattr(c, "head_dim", None) or c.hidden_size // c.num_attention_heads
    asked = c.hidden_size * width * (c.num_attention_heads + 2 * c.num_key_value_heads)
    layer = asked + c.hidden_size * (width * c.num_attention_heads + 3 * c.intermediate_size)
    encoded = [encode(tokenizer, json.loads(line), 1024) for line in prompts.open()]
    tokens, labels = sum(len(x) for x, _ in encoded), sum(y != -100 for _, ys in encoded for y in ys[1:])
    return tokens * (4 * c.num_hidden_layers * layer - 2 * asked) + labels * 4 * c.hidden_size * c.vocab_size, tokens, labels


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--headway", default=here.parent / ".build/release/headway"); a.add_argument("--shape", default="llama3-8b"); a.add_argument("--layers", type=int)
    a.add_argument("--samples", type=int, default=384); a.add_argument("--batch-tokens", type=int, default=8192); a.add_argument("--dtype", default="bfloat16")
    a.add_argument("--repetitions", type=int, default=2); a.add_argument("--without-rival", action="store_true")
    o = a.parse_args()
    model = inputs.model_folder(o.shape, "--device", "cuda", *(["--layers", str(o.layers)] if o.layers else []))
    prompts = inputs.prompt_file(model, o.samples)
    rate = matrix_rate()
    work, tokens, labels = operations(model, prompts)
    print(json.dumps({"bfloat16 TFLOP/s": round(rate / 1e12, 1), "tokens": tokens, "labels": labels, "GFLOP a token": round(work / tokens / 1e9, 2)}), flush=True)

    def tell(name, found):
        share = work / tokens * found["tokens_per_second"] / rate
        print(json.dumps({"program": name, "tokens/s": round(found["tokens_per_second"]), "share of the rate": round(share, 3), "seconds": round(found["seconds"], 2)}), flush=True)

    with tempfile.TemporaryDirectory() as out:
        for _ in range(o.repetitions):
            command = [o.headway, "pattern", model, "--data", prompts, "--out", f"{out}/levels.safetensors", "--overwrite", "--per-sample", "--dtype", o.dtype,
                       "--device", "cuda", "--batch-tokens", o.batch_tokens, "--json", "--quiet"]
            started = time.perf_counter()
            tell("headway", json.loads(subprocess.run([str(w) for w in command], check=True, stdout=subprocess.PIPE).stdout))
            print(json.dumps({"the whole command, seconds": round(time.perf_counter() - started, 2)}), flush=True)
            if not o.without_rival:
                rival = [sys.executable, here / "peers/fast_patterns.py", model, prompts, f"{out}/rival.npz", "--dtype", o.dtype, "--device", "cuda", "--batch-tokens", str(o.batch_tokens)]
                tell("careful PyTorch", json.loads(subprocess.run(rival, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout))


if __name__ == "__main__":
    main()
