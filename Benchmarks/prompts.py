"""Prompts and a tokenizer for the benchmark, made from nothing: GSM8K's lengths, words without meaning.

    python prompts.py OUT.jsonl --tokenizer FOLDER [--samples 64] [--seed 2]        makes tokenizer.model in FOLDER where there is none
    python prompts.py --measure GSM8K_TEST.jsonl --tokenizer FOLDER                 prints the quantiles that lengths.json holds

How long a sample takes depends on its length and not on what it says, so a clean clone can run the benchmark on words that it
draws itself, as long as prompts and responses are as many tokens as GSM8K's are (lengths.json). Every draw is seeded.
"""
import argparse, io, json, pathlib, random
from statistics import NormalDist

import numpy as np

here = pathlib.Path(__file__).resolve().parent
VOCABULARY, WORDS = 4000, 6000


def words(seed=0):
    """Pronounceable words and numbers, as often short as common words are."""
    draw = random.Random(seed)
    starts, middles, ends = "b c d f g h k l m n p r s t v w st tr pl ch sh th".split(), "a e i o u ai ea ou oo".split(), ["", "n", "r", "s", "t", "l", "nd", "ng", "st", "ck"]
    made = [str(n) for n in range(100)]
    while len(made) < WORDS:
        syllables = min(1 + int(draw.expovariate(0.9)), 4)
        made.append("".join(draw.choice(starts) + draw.choice(middles) for _ in range(syllables)) + draw.choice(ends))
    return made


def sentences(count, seed):
    draw, all_words = random.Random(seed), words()
    weights = [1 / (10 + i % 1000) for i in range(len(all_words))]
    for _ in range(count):
        yield " ".join(draw.choices(all_words, weights, k=draw.randint(6, 20))) + "."


def make_tokenizer(folder):
    """tokenizer.model with Llama's flags (byte fallback, dummy prefix, nothing normalised away), where the folder has none."""
    import sentencepiece

    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "tokenizer.model").exists():
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=sentences(8000, seed=1), model_writer=model, model_type="bpe", vocab_size=VOCABULARY, byte_fallback=True, split_digits=True,
            normalization_rule_name="identity", remove_extra_whitespaces=False, add_dummy_prefix=True, num_threads=1, minloglevel=2,
        )
        partial = folder / "tokenizer.model.partial"
        partial.write_bytes(model.getvalue())
        partial.rename(folder / "tokenizer.model")
    return sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))


def lengths(count, seed):
    """Pairs (prompt tokens with BOS, response tokens with EOS): GSM8K's quantiles, tied by its rank correlation."""
    table, draw, normal = json.loads((here / "lengths.json").read_text()), np.random.default_rng(seed), NormalDist()
    shared = draw.standard_normal((count, 2))
    rho = 2 * np.sin(np.pi * table["rank_correlation"] / 6)  # a normal copula's correlation for that rank correlation
    shared[:, 1] = rho * shared[:, 0] + np.sqrt(1 - rho**2) * shared[:, 1]
    at = np.vectorize(normal.cdf)(shared)
    places = np.linspace(0, 1, len(table["prompt"]))
    return [(round(np.interp(p, places, table["prompt"])), round(np.interp(r, places, table["response"]))) for p, r in at]


def text_of(tokenizer, draw, pool, short, tokens):
    """Words that encode to exactly `tokens` tokens. Pieces never cross a space, so the words' counts add up."""
    chosen, left = [], tokens
    while left > 0:
        word, cost = draw.choice(pool if left > 8 else short)
        if cost <= left:
            chosen.append(word)
            left -= cost
    text = " ".join(chosen)
    assert len(tokenizer.encode(text)) == tokens
    return text


def make_prompts(tokenizer, count, seed=2, tokens=None):
    """`count` prompts of GSM8K's lengths, or with `tokens` of that many each, half of them the response's."""
    draw = random.Random(seed)
    pool = [(w, len(tokenizer.encode(w))) for w in words()]
    short = [(w, n) for w, n in pool if n == 1]
    return [{"prompt": text_of(tokenizer, draw, pool, short, p - 1), "response": text_of(tokenizer, draw, pool, short, r - 1), "task": "bench", "id": f"bench-{i}"}
            for i, (p, r) in enumerate([(tokens - tokens // 2, tokens // 2)] * count if tokens else lengths(count, seed))]


def measure(tokenizer, path):
    records = [json.loads(line) for line in open(path)]
    prompt = [1 + len(tokenizer.encode(f"Question: {r['question']}\nAnswer: ")) for r in records]
    response = [1 + len(tokenizer.encode(r["answer"])) for r in records]
    places, ranks = np.linspace(0, 1, 21), [np.argsort(np.argsort(x)) for x in (prompt, response)]
    return {"prompt": [round(x) for x in np.quantile(prompt, places)], "response": [round(x) for x in np.quantile(response, places)],
            "rank_correlation": round(float(np.corrcoef(*ranks)[0, 1]), 2)}


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("out", nargs="?"); a.add_argument("--tokenizer", required=True); a.add_argument("--samples", type=int, default=64)
    a.add_argument("--seed", type=int, default=2); a.add_argument("--measure", metavar="GSM8K_TEST.jsonl")
    o = a.parse_args()
    tokenizer = make_tokenizer(o.tokenizer)
    if o.measure:
        print(json.dumps(measure(tokenizer, o.measure)))
    elif o.out:
        with open(o.out, "w") as f:
            f.writelines(json.dumps(r) + "\n" for r in make_prompts(tokenizer, o.samples, o.seed))
    else:
        a.error("name a file to write, or what to --measure")


if __name__ == "__main__":
    main()
