"""Makes a tokenizer that puts an end-of-sequence token after every text, and how samples are to be encoded with it.

    "$(scripts/python)" scripts/goldens/encoding.py

Writes Tests/LanguageModelsTests/Fixtures/appends-eos: tokenizer.json, tokenizer_config.json and encoding.json, a list of
{"prompt", "response", "prompt_ids", "ids"}: transformers' ids of the prompt without the token that its template puts after it, then those of
the response without special tokens, then the end-of-sequence token.
"""
import json, pathlib

from tokenizers import AddedToken, Tokenizer, decoders, models, processors
from transformers import AutoTokenizer

root = pathlib.Path(__file__).resolve().parents[2]
folder = root / "Tests" / "LanguageModelsTests" / "Fixtures" / "appends-eos"
PAIRS = [("ab c", "cab"), ("", "a"), ("a", ""), ("<s>ab", "c"), ("ab</s>", "c"), ("</s>", "b"), ("<s>", "b</s>"), ("<s><s>a", "a")]


def main():
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = {t: i for i, t in enumerate(["<unk>", "<s>", "</s>", "a", "b", "c", " ", "ab"])}
    t = Tokenizer(models.BPE(vocab=vocabulary, merges=[("a", "b")], unk_token="<unk>"))
    t.add_special_tokens([AddedToken(x, special=True) for x in ["<unk>", "<s>", "</s>"]])
    t.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    t.decoder = decoders.Fuse()
    t.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}, indent=1) + "\n")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    bos, eos = tokenizer.bos_token_id, tokenizer.eos_token_id
    found = []
    for prompt, response in PAIRS:
        ids = tokenizer(prompt).input_ids
        assert ids[0] == bos and ids[-1] == eos
        ids.pop()
        if ids[:2] == [bos, bos]:  # a prompt that brings its own gets no second one
            ids = ids[1:]
        found.append({"prompt": prompt, "response": response, "prompt_ids": ids, "ids": ids + tokenizer(response, add_special_tokens=False).input_ids + [eos]})
    (folder / "encoding.json").write_text("[\n" + ",\n".join(json.dumps(f) for f in found) + "\n]\n")
    for f in found:
        print(f)


if __name__ == "__main__":
    main()
