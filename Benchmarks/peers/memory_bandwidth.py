"""How fast memory can be read: the limit of text that is written one token at a time, for which all weights are read once a token.

    python memory_bandwidth.py [--threads 2] [--mib 1024]

The best of several sums over float32 numbers far larger than any cache, which torch splits among the threads. Prints {"gigabytes_per_second"} as JSON.
"""
import argparse, json, time

import torch


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--threads", type=int, default=2); a.add_argument("--mib", type=int, default=1024)
    o = a.parse_args()
    torch.set_num_threads(o.threads)
    numbers = torch.ones(o.mib << 18)
    best = float("inf")
    for read in (lambda: numbers.sum(), lambda: numbers.dot(numbers), lambda: numbers.max()):
        for _ in range(5):
            started = time.perf_counter()
            read()
            best = min(best, time.perf_counter() - started)
    print(json.dumps({"gigabytes_per_second": numbers.numel() * 4 / best / 1e9}))


if __name__ == "__main__":
    main()
