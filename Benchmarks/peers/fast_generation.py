"""Greedy text by transformers' `generate`: the peer of `headway generate --prompts`.

    python fast_generation.py MODEL_DIR prompts.jsonl [--batch-size 8] [--max-tokens 64] [--dtype bfloat16] [--limit N] [--ids]

Prompts are padded on the left to the longest of their batch, sorted by length as a careful user would; every text has all its tokens (no end-of-sequence
token ends one). Prints {"tokens", "seconds", "tokens_per_second"} as JSON, and with --ids each prompt's new ids in file order.
"""
import argparse, json, time

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def main():
    a = argparse.ArgumentParser()
    a.add_argument("model"); a.add_argument("data"); a.add_argument("--batch-size", type=int, default=8); a.add_argument("--max-tokens", type=int, default=64)
    a.add_argument("--dtype", default="bfloat16"); a.add_argument("--limit", type=int); a.add_argument("--ids", action="store_true"); a.add_argument("--threads", type=int, default=2)
    o = a.parse_args()
    torch.set_num_threads(o.threads)
    tokenizer = AutoTokenizer.from_pretrained(o.model)
    model = AutoModelForCausalLM.from_pretrained(o.model, dtype=getattr(torch, o.dtype)).eval()
    model.generation_config.eos_token_id = None
    prompts = [tokenizer(json.loads(line)["prompt"])["input_ids"] for line in list(open(o.data))[: o.limit]]
    order = sorted(range(len(prompts)), key=lambda i: -len(prompts[i]))
    found = [None] * len(prompts)

    def generate(chosen, count):
        longest = max(len(prompts[i]) for i in chosen)
        ids = torch.tensor([[0] * (longest - len(prompts[i])) + prompts[i] for i in chosen])
        mask = torch.tensor([[0] * (longest - len(prompts[i])) + [1] * len(prompts[i]) for i in chosen])
        with torch.inference_mode():
            return model.generate(ids, attention_mask=mask, max_new_tokens=count, do_sample=False, pad_token_id=0)[:, longest:]

    generate(order[:1], 2)
    started = time.perf_counter()
    for first in range(0, len(order), o.batch_size):
        chosen = order[first : first + o.batch_size]
        for i, ids in zip(chosen, generate(chosen, o.max_tokens).tolist()):
            found[i] = ids
    seconds = time.perf_counter() - started
    tokens = sum(map(len, found))
    print(json.dumps({"tokens": tokens, "seconds": seconds, "tokens_per_second": tokens / seconds} | ({"ids": found} if o.ids else {})))


if __name__ == "__main__":
    main()
