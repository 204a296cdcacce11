"""What transformers writes greedily with the tiny models of Tests/Goldens/Fixtures, and which tokens its warpers leave to be drawn.

    "$(scripts/python)" scripts/goldens/generation.py

Writes to Tests/LanguageModelsTests/Fixtures:

    letters/            a tokenizer of 48 single characters, of which the first three are special, for models that have none
    generation.json     by fixture, five {"prompt", "tokens", "log_probabilities", "text", "finish"}: uneven prompts, of which neighbours begin alike,
                        and what `generate` adds, one prompt at a time, in float64. Prompts are drawn until every token that is chosen leads by
                        0.003 in log-probability, so that float32 chooses the same.
    sampling.json       {"logits", "temperature", "top_k", "top_p", "probabilities"}: what TemperatureLogitsWarper, TopKLogitsWarper and
                        TopPLogitsWarper leave
"""
import json, pathlib, random, sys, zlib

import torch, transformers
from tokenizers import AddedToken, Tokenizer, decoders, models
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.generation.logits_process import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

root = pathlib.Path(__file__).resolve().parents[2]
out = root / "Tests" / "LanguageModelsTests" / "Fixtures"
sys.path.insert(0, str(root / "Benchmarks" / "peers"))
import attention_probe  # noqa: E402

NEW = 10
LENGTHS = [(0, 3), (20, 26), (20, 24), (20, 31), (0, 9)]  # (tokens shared with neighbours, all tokens)
CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRS"


def letters():
    folder = out / "letters"
    folder.mkdir(parents=True, exist_ok=True)
    special = ["<0>", "<1>", "<2>"]
    t = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(special + list(CHARACTERS))}, merges=[]))
    t.add_special_tokens([AddedToken(s, special=True) for s in special])
    t.decoder = decoders.Fuse()
    t.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}) + "\n")
    return AutoTokenizer.from_pretrained(folder)


def load(folder):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64).eval()
    attention_probe.widen_norms(model)
    return model


def write(folder, tokenizer, prompt):
    """A fresh model for each prompt: dynamic rotary scaling keeps state."""
    model = load(folder)
    with torch.no_grad():
        found = model.generate(
            torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long), max_new_tokens=NEW, do_sample=False,
            pad_token_id=0, output_logits=True, return_dict_in_generate=True)
    tokens = found.sequences[0, len(prompt) :].tolist()
    logs = [step[0].double().log_softmax(-1) for step in found.logits]
    leads = [(top := log.topk(2).values)[0] - top[1] for log in logs]
    ends = model.config.eos_token_id
    stopped = tokens[-1] in (ends if isinstance(ends, list) else [ends])
    return min(leads).item(), {
        "prompt": prompt, "tokens": tokens, "log_probabilities": [round(log[t].item(), 7) for log, t in zip(logs, tokens)],
        "text": tokenizer.decode(tokens, skip_special_tokens=True), "finish": "stop" if stopped else "length"}


def texts(folder, tokenizer):
    draw = random.Random(zlib.crc32(folder.name.encode()))
    shared = [draw.randrange(3, 48) for _ in range(20)]
    result = []
    for common, length in LENGTHS:
        while True:
            lead, text = write(folder, tokenizer, shared[:common] + [draw.randrange(3, 48) for _ in range(length - common)])
            if lead > 0.003:
                break
        result.append(text)
    return result


def samplings():
    generator = torch.Generator().manual_seed(3)
    result = []
    for temperature, top_k, top_p in [(1.0, 0, 1.0), (0.7, 0, 1.0), (1.3, 5, 1.0), (1.0, 0, 0.6), (0.8, 10, 0.9), (1.5, 3, 0.3), (0.5, 0, 0.01), (1.0, 100, 0.95)]:
        logits = torch.randn(1, 24, generator=generator, dtype=torch.float32) * 2
        logits[0, 7] = logits[0, 11]  # two of one logit
        scores = TemperatureLogitsWarper(temperature)(None, logits.double())
        if top_k:
            scores = TopKLogitsWarper(top_k)(None, scores)
        if top_p < 1:
            scores = TopPLogitsWarper(top_p)(None, scores)
        result.append({"logits": logits[0].tolist(), "temperature": temperature, "top_k": top_k, "top_p": top_p, "probabilities": scores.softmax(-1)[0].tolist()})
    return result


def main():
    torch.set_num_threads(1)
    tokenizer = letters()
    fixtures = root / "Tests" / "Goldens" / "Fixtures"
    found = {f.name: texts(f, tokenizer) for f in sorted(fixtures.iterdir()) if (f / "config.json").exists()}
    about = {"script": "scripts/goldens/generation.py", "torch": torch.__version__, "transformers": transformers.__version__}
    lines = ",\n".join(f' {json.dumps(name)}: [\n  ' + ",\n  ".join(json.dumps(t) for t in each) + "]" for name, each in found.items())
    (out / "generation.json").write_text(f'{{"provenance": {json.dumps(about)}, "models": {{\n{lines}\n}}}}\n')
    (out / "sampling.json").write_text("[\n" + ",\n".join(json.dumps(s) for s in samplings()) + "\n]\n")
    print(sum(t["finish"] == "stop" for each in found.values() for t in each), "of", 5 * len(found), "texts end by themselves")


if __name__ == "__main__":
    main()
