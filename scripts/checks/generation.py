"""Holds `headway generate` against transformers' `generate` on model folders, in float32.

    "$(scripts/python)" scripts/checks/generation.py MODEL... [--headway .build/release/headway] [--max-tokens 48]

Ten prompts, of which five begin with the same twenty words and more: transformers writes greedily one after another, Headway one after another and
eight at once. New ids must be the same and log-probabilities within 1e-4, up to the first place where transformers' two most likely tokens are within
1e-4 of each other. Prints a line a model; the status says whether all agree.
"""
import argparse, json, pathlib, subprocess, sys, tempfile

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

SHARED = "Question: Tom has three apples and buys five more at the market in the morning. How many apples does he have in the evening?\nAnswer: 8\n\nQuestion: "
PROMPTS = ["Once upon a time", "One day, a little girl named Lily went to the park. She", "The", "Tom and Sam were friends. They liked to play with the big red ball, and",
           "12 + 7 ="] + [SHARED + text for text in ("Anna has two cats.", "A bird sat on", "Why is the sky", "Sam had 9 pears and gave away 4.", "2")]


def main():
    a = argparse.ArgumentParser()
    a.add_argument("models", nargs="+", type=pathlib.Path); a.add_argument("--headway", default=".build/release/headway"); a.add_argument("--max-tokens", type=int, default=48)
    o = a.parse_args()
    torch.set_num_threads(2)
    good = True
    for folder in o.models:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        most = min(o.max_tokens, model.config.max_position_embeddings)
        expected = []
        for prompt in PROMPTS:
            ids = torch.tensor([tokenizer(prompt)["input_ids"]])
            with torch.no_grad():
                found = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=most, do_sample=False, pad_token_id=0, output_logits=True, return_dict_in_generate=True)
            logs = [step[0].float().log_softmax(-1) for step in found.logits]
            new = found.sequences[0, ids.shape[1] :].tolist()
            tie = next((i for i, log in enumerate(logs) if log.topk(2).values.diff().abs().item() < 1e-4), len(new))
            expected.append((new, [log[t].item() for log, t in zip(logs, new)], tie))
        with tempfile.TemporaryDirectory() as place:
            file = pathlib.Path(place) / "prompts.jsonl"
            file.write_text("".join(json.dumps(p) + "\n" for p in PROMPTS))
            report = []
            for batch in (1, 8):
                command = [o.headway, "generate", folder, "--prompts", file, "--batch-size", batch, "--max-tokens", most, "--dtype", "float32", "--logprobs", "--json", "--quiet"]
                done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
                if done.returncode != 0:
                    sys.exit(f"{folder}: {done.stderr}")
                texts, wrong, worst = json.loads(done.stdout)["texts"], 0, 0.0
                for text, (new, logs, tie) in zip(texts, expected):
                    wrong += text["tokens"][:tie] != new[:tie]
                    worst = max([worst] + [abs(x - y) for x, y in list(zip(text["logprobs"], logs))[:tie]])
                good &= wrong == 0 and worst < 1e-4
                report.append(f"{batch} at once: {len(texts) - wrong} of {len(texts)} texts equal, log-probabilities within {worst:.1e}")
        ties = sum(tie < len(new) for new, _, tie in expected)
        print(f"{folder.name}: {'; '.join(report)}; {sum(len(n) for n, _, _ in expected)} tokens, {ties} texts with a tie", flush=True)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
