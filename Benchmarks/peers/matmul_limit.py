"""What the bare matrix products of a measurement, or of training, allow: the limit that no implementation by the same library passes.

    python matmul_limit.py MODEL_DIR data.jsonl [--limit N] [--batch-tokens 1024] [--dtype bfloat16] [--training] [--weights best|plain] [--processes 2]

The model's own weights are multiplied in PyTorch, in the shapes that measuring a packed batch needs, and nothing else is done:
every linear layer forward and by its input, the vocabulary projection forward and by its input at label positions only.
Not counted: attention's own products, and the input gradients below the lowest gate (the first layer's q, k, v), which are not
needed. With --training every product also by its weight, and the first layer's by input: 6 operations per parameter and token, in
batches of 2048 tokens, as the fastest rival takes them; neither weights are updated nor gradients summed. Takes the two-dimensional weights of any decoder folder in safetensors.

--weights plain multiplies what the file holds, mapped where the type is the file's, by torch.mm. --weights best also lays every weight out once, for the way forward and for the
way back, by oneDNN (mkldnn::_reorder_linear_weight), and takes for each shape of product the fastest of torch.mm, oneDNN's linear (mkldnn::_linear_pointwise) and the same
on the weight that is laid out; which it is, is timed before the clock starts.
--processes N shares the batches among N processes, each on one thread and, on Linux, pinned to a core of its own; their rates are summed. Without it one process uses --threads.
Prints as JSON tokens, seconds (of the slowest process), tokens_per_second, gflops, and of how many shapes each way is the fastest.
"""
import argparse, collections, glob, json, multiprocessing, os, resource, time

import torch
from safetensors import safe_open
from transformers import AutoTokenizer

from reference_patterns import encode

linear = torch.ops.mkldnn._linear_pointwise


class Weight:
    """A matrix [rows, columns] and how it is multiplied: forward x · wᵀ, by input g · w, and gᵀ · x for its own gradient."""

    def __init__(self, values, backward, best):
        self.values, self.backward = values, backward
        self.laid = (torch.ops.mkldnn._reorder_linear_weight(values, 1024), torch.ops.mkldnn._reorder_linear_weight(values.t().contiguous(), 1024)) if best else None

    def ways(self, kind):
        """Name → a product of its operand(s) written to `out` where the way allows it."""
        w = self.values if kind == "backward" else self.values.t()
        ways = {"plain": lambda x, out: torch.mm(x, w, out=out)}
        if self.laid:
            laid = self.laid[kind == "backward"]
            plain = self.values.t().contiguous() if kind == "backward" and self.values.numel() < 2**24 else self.values if kind == "forward" else None
            ways["laid out"] = lambda x, out: linear(x, laid, None, "none", [], "")
            if plain is not None:
                ways["linear"] = lambda x, out: linear(x, plain, None, "none", [], "")
        return ways


def fastest(ways, *operands):
    """The fastest of several ways, by the best of three runs after one for warming up."""
    seconds = {}
    for name, way in ways.items():
        way(*operands)
        seconds[name] = float("inf")
        for _ in range(3):
            started = time.perf_counter()
            way(*operands)
            seconds[name] = min(seconds[name], time.perf_counter() - started)
    return min(seconds, key=seconds.get)


class Products:
    """All products of a batch."""

    def __init__(self, weights, head, training, batches):
        self.weights, self.head, self.training = weights, head, training
        dtype, everything = head.values.dtype, weights + [head]
        most, labels = max(t for t, _ in batches), max(m for _, m in batches)
        widest = max(max(w.values.shape) for w in weights)
        self.given, self.taken = torch.randn(most * widest).to(dtype), torch.empty(most * widest, dtype=dtype)
        self.gradient = torch.empty(max(w.values.numel() for w in everything) if training else 0, dtype=dtype)
        self.at_labels = torch.randn(labels, head.values.shape[0]).to(dtype)
        self.chosen, self.way_of = {}, {}
        for w in everything:  # one way for all weights of a shape, found at the first batch's rows
            rows = batches[0][1] if w is head else batches[0][0]
            for kind in ("forward", "backward"):
                key = (tuple(w.values.shape), kind)
                if key not in self.chosen:
                    self.chosen[key] = fastest(w.ways(kind), *self.operands(w, kind, rows))
        self.prepared = [{kind: w.ways(kind)[self.chosen[tuple(w.values.shape), kind]] for kind in ("forward", "backward")} for w in everything]

    def operands(self, w, kind, rows):
        width, other = w.values.shape
        if w is self.head:
            wide, narrow = self.at_labels[:rows], block(self.taken, rows, other)
            return (block(self.given, rows, other), wide) if kind == "forward" else (wide, narrow)
        if kind == "forward":
            return block(self.given, rows, other), block(self.taken, rows, width)
        return block(self.given, rows, width), block(self.taken, rows, other)

    def multiply(self, tokens, labels):
        for w, ways in zip(self.weights + [self.head], self.prepared):
            rows = labels if w is self.head else tokens
            ways["forward"](*self.operands(w, "forward", rows))
            if w.backward:
                ways["backward"](*self.operands(w, "backward", rows))
            if self.training:
                g, x = self.operands(w, "backward", rows)
                torch.mm(g.t(), x, out=block(self.gradient, *w.values.shape))


def block(buffer, rows, columns):
    return buffer[: rows * columns].view(rows, columns)


def read(folder, dtype, training, best):
    """The linear layers' weights and the vocabulary projection."""
    layers, head, embedding = [], None, None
    for file in sorted(glob.glob(os.path.join(folder, "*.safetensors"))):
        with safe_open(file, "pt") as tensors:
            for name in tensors.keys():
                if "lm_head" in name:
                    head = tensors.get_tensor(name).to(dtype)
                elif "embed_tokens" in name:
                    embedding = tensors.get_tensor(name)
                elif len(tensors.get_slice(name).get_shape()) == 2 and "embed" not in name:
                    lowest = ".layers.0." in name and any(f".{p}_proj" in name for p in "qkv")
                    layers.append(Weight(tensors.get_tensor(name).to(dtype), training or not lowest, best))
    return layers, Weight(embedding.to(dtype) if head is None else head, True, best)


def measure(weights, head, training, batches, ready=None):
    """Seconds of the products of these batches, and how many shapes take which way."""
    with torch.no_grad():
        products = Products(weights, head, training, batches)
        products.multiply(*batches[0])
        if ready:
            ready.wait()
        started = time.perf_counter()
        for tokens, labels in batches:
            products.multiply(tokens, labels)
        return time.perf_counter() - started, collections.Counter(products.chosen.values())


def measure_alone(core, weights, head, training, batches, ready, found):
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    torch.set_num_threads(1)
    found.put((sum(t for t, _ in batches), *measure(weights, head, training, batches, ready)))


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("model"); a.add_argument("data"); a.add_argument("--limit", type=int); a.add_argument("--max-length", type=int, default=1024)
    a.add_argument("--training", action="store_true"); a.add_argument("--batch-tokens", type=int); a.add_argument("--dtype", default="bfloat16"); a.add_argument("--threads", type=int, default=2)
    a.add_argument("--weights", choices=["best", "plain"], default="plain"); a.add_argument("--processes", type=int)
    o = a.parse_args()
    o.batch_tokens = o.batch_tokens or (2048 if o.training else 1024)
    torch.set_num_threads(1 if o.processes else o.threads)
    weights, head = read(o.model, getattr(torch, o.dtype), o.training, o.weights == "best")
    tokenizer = AutoTokenizer.from_pretrained(o.model)
    encoded = [encode(tokenizer, json.loads(line), o.max_length) for line in list(open(o.data))[: o.limit]]
    batches, count = [], 0
    for ids, labels in encoded:  # packed end to end, like Headway's batches
        if not batches or count + len(ids) > o.batch_tokens:
            batches.append([0, 0]); count = 0
        count += len(ids)
        batches[-1][0] += len(ids); batches[-1][1] += sum(l != -100 for l in labels[1:])
    tokens = sum(t for t, _ in batches)
    if o.processes:
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(o.processes))
        # Weights are shared: children of a process that has started no thread.
        fork, number = multiprocessing.get_context("fork"), o.processes
        ready, queue = fork.Barrier(number), fork.Queue()
        # With fewer batches than processes some are multiplied more than once: rates are summed, not tokens.
        shares = [batches[i::number] or [batches[i % len(batches)]] for i in range(number)]
        children = [fork.Process(target=measure_alone, args=(cores[i % len(cores)], weights, head, o.training, shares[i], ready, queue), daemon=True) for i in range(number)]
        for child in children:
            child.start()
        found = [queue.get() for _ in children]
        for child in children:
            child.join()
        rate, seconds, ways = sum(t / s for t, s, _ in found), max(s for _, s, _ in found), sum((w for _, _, w in found), collections.Counter())
    else:
        seconds, ways = measure(weights, head, o.training, batches)
        rate = tokens / seconds
    operations = sum(2 * t * w.values.numel() * (1 + w.backward + o.training) for t, _ in batches for w in weights) + sum((6 if o.training else 4) * m * head.values.numel() for _, m in batches)
    print(json.dumps({"samples": len(encoded), "tokens": tokens, "seconds": seconds, "tokens_per_second": rate, "gflops": operations / tokens * rate / 1e9, "ways": ways,
                      "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))


if __name__ == "__main__":
    main()
