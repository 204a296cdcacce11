"""Makes tokenizer folders of every form that Headway reads, for tokenizers_differential.py.

    python scripts/goldens/tokenizers_folders.py --llama2 tokenizer.model --llama3 tokenizer.model \\
        --gpt2-vocabulary vocab.json --gpt2-merges merges.txt --text FOLDER_OR_FILE --out FOLDER

Each source is optional; what needs it is left out without it. Gemma's own file is not at hand: a SentencePiece model with its flags
is trained on --text instead. Made with tokenizers 0.23.3, transformers 5.23.0, sentencepiece 0.2.3.
"""

import argparse
import json
import pathlib
import random
import shutil

import sentencepiece
from tokenizers import Tokenizer, decoders, normalizers, processors
from transformers import AutoTokenizer
from transformers.convert_slow_tokenizer import TikTokenConverter

LLAMA3_SPECIALS = (
    ["<|begin_of_text|>", "<|end_of_text|>"]
    + [f"<|reserved_special_token_{number}|>" for number in range(4)]
    + ["<|start_header_id|>", "<|end_header_id|>", "<|reserved_special_token_4|>", "<|eot_id|>"]
    + [f"<|reserved_special_token_{number}|>" for number in range(5, 251)]
)

# The flags of Gemma's tokenizer, as its model file gives them (gemma's published tokenizer.model, trainer_spec and normalizer_spec).
GEMMA_FLAGS = dict(
    model_type="bpe",
    byte_fallback=True,
    split_digits=True,
    split_by_unicode_script=True,
    split_by_number=True,
    split_by_whitespace=True,
    treat_whitespace_as_suffix=False,
    allow_whitespace_only_pieces=True,
    add_dummy_prefix=False,
    remove_extra_whitespaces=False,
    normalization_rule_name="identity",
    pad_id=0,
    eos_id=1,
    bos_id=2,
    unk_id=3,
    pad_piece="<pad>",
    eos_piece="<eos>",
    bos_piece="<bos>",
    user_defined_symbols=["<mask>", "<2mass>", "[@BOS@]", "<unused0>", "<unused1>", "<start_of_turn>", "<end_of_turn>"]
    + ["\n" * count for count in range(1, 9)] + ["▁" * count for count in range(2, 9)] + ["<table>", "<tr>", "</td>", "<h1>"],
)


def write(folder, name, value):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(value, indent=1, ensure_ascii=False), encoding="utf-8")


def llama2(model, out):
    """SentencePiece alone in its settings, and tokenizer.json in the old and the new form."""
    common = {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    variants = {
        "legacy": {"add_bos_token": True, "add_eos_token": False, "legacy": True},
        "new": {"add_bos_token": True, "add_eos_token": True, "legacy": False},
        "plain": {},
        "no-prefix": {"add_bos_token": True, "add_prefix_space": False, "legacy": False},
        "null-legacy": {"add_bos_token": True, "legacy": None, "pad_token": "<pad>", "additional_special_tokens": ["<|user|>"]},
    }
    for name, settings in variants.items():
        folder = out / f"llama2-model-{name}"
        write(folder, "tokenizer_config.json", common | settings)
        shutil.copy(model, folder / "tokenizer.model")
    saved = AutoTokenizer.from_pretrained(out / "llama2-model-legacy")
    saved.save_pretrained(out / "llama2-json-class")
    # The form of the published folders: steps in normalizers, the class PreTrainedTokenizerFast, tokens that are normalised.
    for name, normalized in (("normalized", True), ("raw", False)):
        document = json.loads((out / "llama2-json-class" / "tokenizer.json").read_text(encoding="utf-8"))
        document["normalizer"] = json.loads(
            normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]).__getstate__())
        document["pre_tokenizer"] = None
        document["model"]["unk_token"] = "<unk>"
        document["added_tokens"] = [
            {"id": number, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": normalized, "special": True}
            for number, content in enumerate(["<unk>", "<s>", "</s>"])
        ]
        folder = out / f"llama2-json-{name}"
        write(folder, "tokenizer.json", document)
        write(folder, "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>"})
    # Spaces by Metaspace, each way of prepending, cut or not.
    for scheme in ("always", "first", "never"):
        for split in (True, False):
            document = json.loads((out / "llama2-json-class" / "tokenizer.json").read_text(encoding="utf-8"))
            step = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split}
            document["normalizer"], document["pre_tokenizer"], document["decoder"] = None, step, step
            folder = out / f"llama2-json-metaspace-{scheme}-{'cut' if split else 'whole'}"
            write(folder, "tokenizer.json", document)
            write(folder, "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast"})


def llama3(model, out):
    """tokenizer.json converted from the tiktoken file, and the tiktoken file beside settings."""
    tokenizer = TikTokenConverter(vocab_file=str(model), extra_special_tokens=LLAMA3_SPECIALS).converted()
    begin = tokenizer.token_to_id("<|begin_of_text|>")
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|>:1 $B:1", special_tokens=[("<|begin_of_text|>", begin)]),
    ])
    folder = out / "llama3-json"
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|begin_of_text|>", "eos_token": "<|end_of_text|>"}
    write(folder, "tokenizer_config.json", config)
    folder = out / "llama3-tiktoken"
    decoder = {
        str(begin + number): {"content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        for number, content in enumerate(LLAMA3_SPECIALS)
    }
    write(folder, "tokenizer_config.json", config | {"added_tokens_decoder": decoder, "add_bos_token": True})
    shutil.copy(model, folder / "tokenizer.model")


def gpt2(vocabulary, merges, out):
    """OPT and GPT-2 as two files, and as tokenizer.json."""
    variants = {
        "opt": {
            "errors": "replace", "add_bos_token": True, "add_prefix_space": False, "tokenizer_class": "GPT2Tokenizer",
            **{f"{name}_token": {"__type": "AddedToken", "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": True}
               for name, content in (("bos", "</s>"), ("eos", "</s>"), ("unk", "</s>"), ("pad", "<pad>"))},
        },
        "gpt2": {"tokenizer_class": "GPT2Tokenizer"},
        "gpt2-prefix": {"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": True, "add_bos_token": True, "add_eos_token": True},
    }
    for name, config in variants.items():
        folder = out / name
        write(folder, "tokenizer_config.json", config)
        shutil.copy(vocabulary, folder / "vocab.json")
        shutil.copy(merges, folder / "merges.txt")
        AutoTokenizer.from_pretrained(folder).save_pretrained(out / f"{name}-json")


def gemma(text, out, size):
    """A SentencePiece model with Gemma's flags: alone, and as tokenizer.json."""
    folder = out / "gemma-model"
    folder.mkdir(parents=True, exist_ok=True)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(text), model_prefix=str(folder / "tokenizer"), vocab_size=size, minloglevel=2, num_threads=1, **GEMMA_FLAGS)
    (folder / "tokenizer.vocab").unlink()
    config = {
        "tokenizer_class": "GemmaTokenizer", "add_bos_token": True, "add_eos_token": False, "bos_token": "<bos>", "eos_token": "<eos>",
        "pad_token": "<pad>", "unk_token": "<unk>", "additional_special_tokens": ["<start_of_turn>", "<end_of_turn>"],
    }
    write(folder, "tokenizer_config.json", config)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.save_pretrained(out / "gemma-json-class")
    # As Gemma's published tokenizer.json, used as it is.
    folder = out / "gemma-json"
    shutil.copytree(out / "gemma-json-class", folder, dirs_exist_ok=True)
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    config["tokenizer_class"] = "PreTrainedTokenizerFast"
    write(folder, "tokenizer_config.json", config)
    # Without a file of settings, the model type tells the class.
    folder = out / "gemma-model-type"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(out / "gemma-json-class" / "tokenizer.json", folder / "tokenizer.json")
    write(folder, "config.json", {"model_type": "gemma"})


def added(out):
    """Added tokens with every flag, on top of a folder made before."""
    for base in ("gpt2-json", "llama2-json-normalized", "llama2-json-class", "gemma-json"):
        if not (out / base).exists():
            continue
        tokenizer = Tokenizer.from_file(str(out / base / "tokenizer.json"))
        document = json.loads(tokenizer.to_str())
        known = document["model"]["vocab"]
        next_id = 1 + max(list(known.values()) + [token["id"] for token in document["added_tokens"]])
        for content, single, left, right, normalized, special in [
            ("<tool>", False, False, False, False, True), ("<left>", False, True, False, False, True), ("<right>", False, False, True, False, True),
            ("<both>", False, True, True, True, False), ("word", True, False, False, True, False), ("wor", True, True, True, False, False),
            ("two words", False, False, False, True, False), (" lead", False, False, False, True, False), ("trail ", False, False, False, False, False),
            ("é", True, False, False, True, False), ("中文", False, False, False, False, False), ("中", False, False, False, True, False), ("\n\n\n", False, True, False, False, False),
        ]:
            number = known.get(content, next_id)
            next_id += number == next_id
            document["added_tokens"].append({
                "id": number, "content": content, "single_word": single, "lstrip": left, "rstrip": right, "normalized": normalized, "special": special})
        folder = out / f"added-{base}"
        write(folder, "tokenizer.json", document)
        write(folder, "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast"})
        Tokenizer.from_file(str(folder / "tokenizer.json"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--llama2", type=pathlib.Path)
    parser.add_argument("--llama3", type=pathlib.Path)
    parser.add_argument("--gpt2-vocabulary", type=pathlib.Path)
    parser.add_argument("--gpt2-merges", type=pathlib.Path)
    parser.add_argument("--text")
    parser.add_argument("--gemma-size", type=int, default=16000)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    if options.llama2:
        llama2(options.llama2, options.out)
    if options.llama3:
        llama3(options.llama3, options.out)
    if options.gpt2_vocabulary and options.gpt2_merges:
        gpt2(options.gpt2_vocabulary, options.gpt2_merges, options.out)
    if options.text:
        from tokenizers_texts import data_texts
        gemma(data_texts(options.text, 20000, random.Random(0)), options.out, options.gemma_size)
    added(options.out)


if __name__ == "__main__":
    main()
