"""Makes Tests/TokenizersTests/Fixtures: small trained tokenizers of every form, and the ids that Hugging Face gives for hard texts.

    python scripts/goldens/tokenizers_goldens.py Tests/TokenizersTests/Fixtures

All text is in this script and in tokenizers_texts.py. Made with tokenizers 0.23.3, transformers 5.23.0, sentencepiece 0.2.3.
"""

import base64
import json
import pathlib
import shutil
import sys

import sentencepiece
import tokenizers
import transformers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer

from tokenizers_folders import GEMMA_FLAGS
from tokenizers_texts import nasty_texts, random_text

CORPUS = """
Once upon a time there was a little girl who lived in a small house near the forest. She liked to read books and to count the stars.
If Anna has 12 apples and gives 5 of them to Ben, how many apples does she have left? 12 - 5 = 7, so the answer is 7. In 2024 there were 366 days.
The quick brown fox jumps over the lazy dog. I'm sure you're right; they've said it's what he'd do. We'll see! "Don't," she said, 'why not?'
def total(values):
    result = 0
    for value in values:
        result += value * 2
    return result

int main(void) { printf("%d\\n", 3 + 4); return 0; }
Der Fluß fließt über die Brücke; die Mädchen hören schöne Lieder. Où est le café près de l'hôtel? El niño comió una piña mañana.
Жили-были старик со старухой у самого синего моря. Сколько будет два плюс два?
小明有十二个苹果，给了小红五个，还剩几个？答案是七个。我在公司工作，每天都很忙。今天天气很好，我们去公园玩。
むかしむかし、あるところに、おじいさんとおばあさんがいました。山へ行きました。
한 소녀가 작은 집에 살았습니다. 오늘은 날씨가 좋습니다.
كان هناك بيت صغير قرب الغابة. हिन्दी में एक छोटी कहानी है।
😀 😃 🚀 ✅ 👍🏽 👨‍👩‍👧‍👦  —  … “quoted” ‘single’ \u00a0 nbsp
    indented    text   with    many     spaces\t\tand\ttabs
$x^2 + y^2 = z^2$, \\frac{1}{2} + \\frac{1}{3} = \\frac{5}{6}. 3.14159 1,000,000 50% #7 @home a_b C++ <div class="a">&amp;</div>
""".strip("\n")

LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
SINGLE = LLAMA3.replace("{1,3}", "")


def lines():
    """The corpus in lines, often enough that pairs repeat."""
    return [line for line in CORPUS.split("\n")] * 3 + [CORPUS] * 2


def texts():
    import random

    generator = random.Random(7)
    found = nasty_texts()
    found += [line for line in CORPUS.split("\n") if line] + [CORPUS]
    found += [random_text(generator, length) for length in [2, 3, 5, 8, 13, 21, 34, 55] * 8]
    return list(dict.fromkeys(found))


def write(folder, name, value):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def byte_level(pattern, specials, size=480):
    tokenizer = Tokenizer(models.BPE())
    if pattern is None:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=specials, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(lines(), trainer)
    return tokenizer


def save(tokenizer, folder, config):
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    write(folder, "tokenizer_config.json", config)


def make_byte_level(out):
    """Llama 3's form with added tokens of every flag; single digits; ignore_merges; GPT-2's files; a tiktoken file."""
    begin, end = "<|begin_of_text|>", "<|end_of_text|>"
    tokenizer = byte_level(LLAMA3, [begin, end])
    tokenizer.add_tokens([
        AddedToken("<tool>", special=True), AddedToken("<left>", special=True, lstrip=True), AddedToken("<right>", special=True, rstrip=True),
        AddedToken("<both>", lstrip=True, rstrip=True), AddedToken("word", single_word=True), AddedToken("wor", single_word=True, lstrip=True, rstrip=True, normalized=False),
        AddedToken("two words"), AddedToken(" lead"), AddedToken("trail ", normalized=False), AddedToken("中文"), AddedToken("\n\n\n", lstrip=True, normalized=False),
    ])
    template = processors.TemplateProcessing(single=f"{begin} $A", pair=f"{begin} $A {begin}:1 $B:1", special_tokens=[(begin, 0)])
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), template])
    save(tokenizer, out / "llama3-added", {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": begin, "eos_token": end})

    # The vocabulary knows whole words that the merges never reach.
    document = json.loads(tokenizer.to_str())
    document["added_tokens"] = document["added_tokens"][:2]
    document["model"]["ignore_merges"] = True
    for word in ["Ġxyzzy", "plugh", "å°ıæĺİæľī"]:
        document["model"]["vocab"][word] = len(document["model"]["vocab"])
    write(out / "llama3-ignore-merges", "tokenizer.json", document)
    write(out / "llama3-ignore-merges", "tokenizer_config.json", {"tokenizer_class": "LlamaTokenizer", "bos_token": begin, "eos_token": end,
          "chat_template": "{{ messages }}"})

    single = byte_level(SINGLE, [begin, end, "<|pad|>"])
    single.post_processor = template
    save(single, out / "single-digits", {"tokenizer_class": "TokenizersBackend", "bos_token": begin, "eos_token": end, "pad_token": "<|pad|>"})

    gpt2 = byte_level(None, ["<s>", "<pad>", "</s>", "<unk>"])
    document = json.loads(gpt2.to_str())
    merges = "#version: 0.2\n" + "".join(" ".join(pair) + "\n" for pair in document["model"]["merges"])
    token = {"__type": "AddedToken", "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}
    configs = {
        "opt": {"add_bos_token": True, "tokenizer_class": "GPT2Tokenizer", "bos_token": token | {"content": "</s>"}, "eos_token": token | {"content": "</s>"},
                "unk_token": token | {"content": "</s>"}, "pad_token": token | {"content": "<pad>"}},
        "gpt2-prefix": {"add_prefix_space": True, "tokenizer_class": "GPT2Tokenizer", "add_eos_token": True, "unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"},
    }
    for name, config in configs.items():
        folder = out / name
        write(folder, "vocab.json", document["model"]["vocab"])
        (folder / "merges.txt").write_text(merges, encoding="utf-8")
        write(folder, "tokenizer_config.json", config)

    # A tiktoken file ranks the bytes first, then the merges.
    decode = {character: byte for byte, character in transformers.convert_slow_tokenizer.bytes_to_unicode().items()}
    merged = [bytes(decode[character] for character in "".join(pair)) for pair in document["model"]["merges"]]
    ranks = list(dict.fromkeys([bytes([byte]) for byte in range(256)] + merged))
    folder = out / "tiktoken"
    names = [begin, end, "<|eot_id|>", "<|start_header_id|>"]
    write(folder, "tokenizer_config.json", {
        "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": begin, "eos_token": end, "add_bos_token": True,
        "added_tokens_decoder": {str(len(ranks) + place): {"content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
                                 for place, content in enumerate(names)}})
    (folder / "tokenizer.model").write_text(
        "".join(f"{base64.b64encode(token).decode()} {rank}\n" for rank, token in enumerate(ranks)), encoding="utf-8")


def train_sentencepiece(folder, **flags):
    folder.mkdir(parents=True, exist_ok=True)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines()), model_prefix=str(folder / "tokenizer"), minloglevel=2, num_threads=1, hard_vocab_limit=False, **flags)
    (folder / "tokenizer.vocab").unlink()


def make_sentencepiece(out):
    """Llama's SentencePiece alone in its settings and as tokenizer.json; Gemma's flags."""
    train_sentencepiece(
        out / "llama-legacy", model_type="bpe", vocab_size=560, byte_fallback=True, split_digits=True, allow_whitespace_only_pieces=True,
        add_dummy_prefix=True, remove_extra_whitespaces=False, normalization_rule_name="identity", character_coverage=0.98)
    base = {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    write(out / "llama-legacy", "tokenizer_config.json", base | {"add_bos_token": True, "add_eos_token": False, "legacy": True})
    write(out / "llama-new", "tokenizer_config.json", base | {
        "add_bos_token": True, "add_eos_token": True, "legacy": False, "pad_token": "<pad>", "additional_special_tokens": ["<|user|>"]})
    shutil.copy(out / "llama-legacy" / "tokenizer.model", out / "llama-new" / "tokenizer.model")

    saved = AutoTokenizer.from_pretrained(out / "llama-legacy")
    saved.save_pretrained(out / "llama-json-class")
    (out / "llama-json-class" / "tokenizer_config.json").unlink()
    write(out / "llama-json-class", "tokenizer_config.json", base | {"legacy": False})
    document = json.loads((out / "llama-json-class" / "tokenizer.json").read_text(encoding="utf-8"))
    write(out / "llama-json-class", "tokenizer.json", document)
    document["normalizer"] = json.loads(normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]).__getstate__())
    document["pre_tokenizer"] = None
    document["model"]["unk_token"] = "<unk>"
    # Old files write a merge as one text, and lack some byte tokens here, so that unknown characters occur.
    document["model"]["merges"] = [" ".join(pair) for pair in document["model"]["merges"]]
    for byte in ("<0xF0>", "<0xE1>"):
        del document["model"]["vocab"][byte]
    document["added_tokens"] = [
        {"id": number, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": True, "special": True}
        for number, content in enumerate(["<unk>", "<s>", "</s>"])]
    write(out / "llama-json-normalized", "tokenizer.json", document)
    write(out / "llama-json-normalized", "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast"})
    write(out / "llama-json-normalized", "special_tokens_map.json", {
        "bos_token": {"content": "<s>", "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}, "eos_token": "</s>"})

    step = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True}
    document = json.loads((out / "llama-json-class" / "tokenizer.json").read_text(encoding="utf-8"))
    document["normalizer"], document["pre_tokenizer"], document["decoder"] = None, step, step
    document["model"]["fuse_unk"], document["model"]["byte_fallback"], document["model"]["unk_token"] = False, False, "<unk>"
    write(out / "metaspace", "tokenizer.json", document)

    # Nothing beside the file: SentencePiece itself is the reference.
    for name, extra in (("alone", False), ("alone-extra", True)):
        train_sentencepiece(
            out / name, model_type="bpe", vocab_size=560, byte_fallback=True, split_digits=True, allow_whitespace_only_pieces=True, add_dummy_prefix=True,
            remove_extra_whitespaces=extra, normalization_rule_name="identity", character_coverage=0.98)

    train_sentencepiece(out / "gemma", vocab_size=560, character_coverage=0.98, **GEMMA_FLAGS)
    write(out / "gemma", "tokenizer_config.json", {
        "tokenizer_class": "GemmaTokenizer", "add_bos_token": True, "bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>",
        "additional_special_tokens": ["<start_of_turn>", "<end_of_turn>"]})
    AutoTokenizer.from_pretrained(out / "gemma").save_pretrained(out / "gemma-json")
    document = json.loads((out / "gemma-json" / "tokenizer.json").read_text(encoding="utf-8"))
    write(out / "gemma-json", "tokenizer.json", document)
    write(out / "gemma-json", "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<bos>", "eos_token": "<eos>"})


def main(path):
    out = pathlib.Path(path)
    for name in ("tokenizers", "ids.json", "texts.json"):
        target = out / name
        if target.is_dir():
            shutil.rmtree(target)
        elif target.exists():
            target.unlink()
    make_byte_level(out / "tokenizers")
    make_sentencepiece(out / "tokenizers")
    hard = texts()
    write(out, "texts.json", hard)
    goldens = {
        "made by": "scripts/goldens/tokenizers_goldens.py",
        "with": f"tokenizers {tokenizers.__version__}, transformers {transformers.__version__}, sentencepiece {sentencepiece.__version__}",
        "tokenizers": {},
    }
    for folder in sorted((out / "tokenizers").iterdir()):
        if [path.name for path in folder.iterdir()] == ["tokenizer.model"]:
            processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
            ids = [[processor.bos_id()] + processor.encode(text) for text in hard]
            # Decoding is Hugging Face's, which gives U+FFFD for every byte of a run of bytes that is not UTF-8.
            goldens["tokenizers"][folder.name] = {
                "begin": processor.bos_id(), "end": processor.eos_id(), "template": None, "size": processor.get_piece_size(),
                "ids": ids, "around": [[processor.bos_id()], []], "decoded": [], "skipped": [processor.decode(row) for row in ids[::3]],
            }
            continue
        if not (folder / "tokenizer_config.json").exists():
            # A folder that names no class is read as its tokenizer.json says.
            backend = Tokenizer.from_file(str(folder / "tokenizer.json"))
            begin, end, template = None, None, None
        else:
            tokenizer = AutoTokenizer.from_pretrained(folder)
            backend = tokenizer.backend_tokenizer
            begin, end, template = tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.chat_template
        special = [backend.encode(text).ids for text in hard]
        kept_out = {id for id, token in backend.get_added_tokens_decoder().items() if token.special}
        goldens["tokenizers"][folder.name] = {
            "begin": begin, "end": end, "template": template, "size": max(backend.get_vocab().values()) + 1,
            "ids": special,
            "around": [backend.encode("").ids, backend.encode("", add_special_tokens=False).ids],
            "decoded": [backend.decode(ids, skip_special_tokens=False) for ids in special[::3]],
            # Not skip_special_tokens=True: tokenizers 0.23.3 then keeps special tokens that are normalised (it looks up their
            # normalised text among the plain ones).
            "skipped": [backend.decode([id for id in ids if id not in kept_out], skip_special_tokens=False) for ids in special[::3]],
        }
    write(out, "ids.json", goldens)
    for folder in (out / "tokenizers").iterdir():
        for left in folder.glob("*.jinja"):
            left.unlink()


if __name__ == "__main__":
    main(*sys.argv[1:])
