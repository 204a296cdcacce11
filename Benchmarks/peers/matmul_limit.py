"""What the bare matrix products of a measurement, or of training, allow: the limit that no implementation on this machine passes.

    python matmul_limit.py MODEL_DIR data.jsonl [--limit N] [--batch-tokens 1024] [--dtype bfloat16] [--training]

The model's own weights are multiplied in PyTorch, in the shapes that measuring a packed batch needs, and nothing else is done:
every linear layer forward and by its input, the vocabulary projection forward and by its input at label positions only.
Not counted: attention's own products, and the input gradients below the lowest gate (the first layer's q, k, v), which are not
needed. With --training every product also by its weight, and the first layer's by input: 6 operations per parameter and token, in
batches of 2048 tokens, as the fastest rival takes them; neither weights are updated nor gradients summed. Takes the two-dimensional weights of any decoder folder in safetensors.
"""
import argparse, glob, json, os, resource, time
import torch
from safetensors import safe_open
from transformers import AutoTokenizer
from reference_patterns import encode


def main():
    a = argparse.ArgumentParser()
    a.add_argument("model"); a.add_argument("data"); a.add_argument("--limit", type=int); a.add_argument("--max-length", type=int, default=1024)
    a.add_argument("--training", action="store_true"); a.add_argument("--batch-tokens", type=int); a.add_argument("--dtype", default="bfloat16"); a.add_argument("--threads", type=int, default=2)
    o = a.parse_args()
    o.batch_tokens = o.batch_tokens or (2048 if o.training else 1024)
    torch.set_num_threads(o.threads)
    dtype, layers, head, embedding = getattr(torch, o.dtype), [], None, None
    for file in sorted(glob.glob(os.path.join(o.model, "*.safetensors"))):
        with safe_open(file, "pt") as tensors:
            for name in tensors.keys():
                if "lm_head" in name:
                    head = tensors.get_tensor(name).to(dtype)
                elif "embed_tokens" in name:
                    embedding = tensors.get_tensor(name).to(dtype)
                elif len(tensors.get_slice(name).get_shape()) == 2 and "embed" not in name:
                    lowest = ".layers.0." in name and any(f".{p}_proj" in name for p in "qkv")
                    layers.append((tensors.get_tensor(name).to(dtype), o.training or not lowest))
    head = embedding if head is None else head
    tokenizer = AutoTokenizer.from_pretrained(o.model)
    encoded = [encode(tokenizer, json.loads(line), o.max_length) for line in list(open(o.data))[: o.limit]]
    batches, count = [], 0
    for ids, labels in encoded:  # packed end to end, like Headway's batches
        if not batches or count + len(ids) > o.batch_tokens:
            batches.append([0, 0]); count = 0
        count += len(ids)
        batches[-1][0] += len(ids); batches[-1][1] += sum(l != -100 for l in labels[1:])
    widest = max(max(w.shape) for w, _ in layers)
    most = max(t for t, _ in batches)
    given, taken = torch.randn(most * widest).to(dtype), torch.empty(most * widest, dtype=dtype)
    gradient = torch.empty(max(w.numel() for w, _ in layers + [(head, True)]) if o.training else 0, dtype=dtype)
    at_labels = torch.empty(max(m for _, m in batches), head.shape[0], dtype=dtype)

    def block(buffer, rows, columns):
        return buffer[: rows * columns].view(rows, columns)

    def multiply(tokens, labels):
        for w, backward in layers:
            rows, columns = w.shape
            torch.mm(block(given, tokens, columns), w.t(), out=block(taken, tokens, rows))
            if backward:
                torch.mm(block(given, tokens, rows), w, out=block(taken, tokens, columns))
            if o.training:
                torch.mm(block(given, tokens, rows).t(), block(taken, tokens, columns), out=block(gradient, rows, columns))
        torch.mm(block(given, labels, head.shape[1]), head.t(), out=at_labels[:labels])
        torch.mm(at_labels[:labels], head, out=block(taken, labels, head.shape[1]))
        if o.training:
            torch.mm(at_labels[:labels].t(), block(taken, labels, head.shape[1]), out=block(gradient, *head.shape))

    at_labels.normal_()
    with torch.no_grad():
        multiply(*batches[0])
        started = time.perf_counter()
        for tokens, labels in batches:
            multiply(tokens, labels)
        seconds = time.perf_counter() - started
    tokens = sum(len(ids) for ids, _ in encoded)
    operations = sum(2 * t * w.numel() * (1 + b + o.training) for t, _ in batches for w, b in layers) + sum((6 if o.training else 4) * m * head.numel() for _, m in batches)
    print(json.dumps({"samples": len(encoded), "tokens": tokens, "seconds": seconds, "tokens_per_second": tokens / seconds, "gflops": operations / seconds / 1e9,
                      "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))


if __name__ == "__main__":
    main()
