"""Texts that are hard for tokenizers: made here, or drawn from a folder of data sets."""

import csv
import json
import pathlib
import random
import sys

csv.field_size_limit(sys.maxsize)

SPECIALS = [
    "<s>", "</s>", "<unk>", "<pad>", "<bos>", "<eos>", "<mask>", "<|endoftext|>", "<|begin_of_text|>", "<|end_of_text|>",
    "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>", "<|reserved_special_token_0|>", "<|start_story|>", "<|end_story|>",
    "<start_of_turn>", "<end_of_turn>", "<0x0A>", "<0xE2>", "<|pad|>", "[INST]", "<<SYS>>", "▁", "▁▁", "Ġ", "Ċ",
]

NASTY = [
    "", " ", "  ", "   ", "\n", "\n\n", "\r\n", "\r", "\t", " \n", "\n ", " \n \n", "\t\n\t", "a ", " a", "  a  ", "a\u00a0b", "\u00a0", "\u3000全角\u3000",
    "Hello world", "Hello, world!", "HELLO WORLD", "I'm you're he's we've I'll she'd DON'T I'M 'S 'ſ 'ſx 'LL 'Ll 'RE ''s '", "can't've", "'", "''", "x'y'z",
    "1", "12", "123", "1234", "12345678901234567890", "3.14159", "1,000,000", "٠١٢٣٤٥٦٧٨٩", "½⅓ⅷⅨ²³", "१२३", "𝟘𝟙𝟚", "1 2  3   4",
    "中文字符，没有空格。", "我想在apple工作1314151天～", "日本語のテキスト、カタカナ、ひらがな。", "한국어 텍스트", "ภาษาไทยไม่มีช่องว่าง", "हिन्दी में पाठ", "العربية نص تجريبي", "עברית טקסט",
    "Привет, мир! Ёлка", "Ελληνικά κείμενο", "Cửa Việt", "Führer", "naïve café", "nai\u0308ve cafe\u0301", "\u0301abc", "a\u0301\u0302\u0303\u0304", "e\u0301 é",
    "Å \u212b A\u030a", "ﬁ ﬂ ﬀ ﬆ", "ß ẞ", "ﷺ", "क्षत्रिय", "\u1100\u1161\u11a8 각", "\u0344 \u0958 \u2126",
    "😀", "👨‍👩‍👧‍👦", "🇩🇪🇫🇷", "👍🏽", "😶‍🌫️", "🚀 (normal) 😶‍🌫️ ✅", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "a😀b 😀 c",
    "\ufeff", "\ufeffabc", "a\ufeffb", "\u200b", "a\u200bb", "\u200d", "\u2028\u2029", "a\u0085b", "\u1680", "\u180e", "\u2060", "\ufffd", "\ufffe", "\uffff",
    "\x00", "\x00\x01\x02", "a\x00b", "\x1b[31mred\x1b[0m", "\x7f", "\x80\x9f", "\x0b\x0c", "\x1c\x1d\x1e\x1f",
    "def f(x):\n    return x + 1\n", "if (a) {\n\tb();\n}\n\n\n", "for i in range(10):\r\n    print(i)\r\n", "a = b * c / d % e ** f // g", "#include <stdio.h>\nint main() { return 0; }",
    "http://example.com/path?q=1&r=2#frag", "user@example.com", "C:\\Users\\name", "$x^2 + \\frac{1}{2}$", "{\"key\": [1, 2, null]}", "<html><body>&nbsp;</body></html>",
    "......", "!!!!!!", "-----=====", "``````", "\"\"\"\"", "(((((", "~!@#$%^&*()_+", "…", "—–-", "“quotes” ‘single’", "a.b.c", "a  b   c    d",
    "supercalifragilisticexpialidocious", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "ab" * 40, " " * 33, "\n" * 17, "\t" * 9, " \n" * 8, "的" * 40, "1" * 100, "é" * 50,
    "a\n b\n  c\n   d", "x \r\n y", " \t mixed \t\u00a0 spaces \u2003 ", "word\u00ad\u00adsoft", "﻿BOM inside ﻿ text", "𝓗𝓮𝓵𝓵𝓸", "𐍈𐌰𐌽", "𠜎𠜱𠝹", "\U0010ffff", "\U000e0001", "\ue000\uf8ff", "\U00031350", "\u1c89", "\ua7cb",
]


def nasty_texts():
    """The fixed texts: each alone, and with special tokens in every position."""
    texts = list(NASTY)
    for special in SPECIALS:
        texts += [special, f" {special}", f"{special} ", f"a{special}b", f"a {special} b", f"{special}{special}", f"  {special}  x", f"x\n{special}\ny", special[:-1], special.upper()]
    texts += ["<s>[INST] Hi [/INST]</s>", "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>", "<bos><start_of_turn>user\nHi<end_of_turn>\n"]
    return texts


def random_text(generator, length):
    """Characters of all planes, weighted towards the kinds that tokenizers treat differently."""
    kinds = [
        lambda: generator.choice("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        lambda: generator.choice("     \n\r\t\u00a0\u2003\u3000\x0b\x85\u2028"),
        lambda: generator.choice("0123456789٣५½Ⅷ"),
        lambda: generator.choice("'\"!?.,;:-_()[]{}<>|/\\@#$%^&*+=~`"),
        lambda: chr(generator.randint(0x80, 0x24F)),
        lambda: chr(generator.randint(0x300, 0x36F)),
        lambda: chr(generator.randint(0x370, 0x1FFF)),
        lambda: chr(generator.randint(0x4E00, 0x9FFF)),
        lambda: chr(generator.randint(0x1F300, 0x1FAFF)),
        lambda: chr(generator.choice([generator.randint(0, 0xD7FF), generator.randint(0xE000, 0x10FFFF)])),
        lambda: generator.choice(["'s", "'RE", "'ll", " 'd", "\r\n", "  ", "the", " of", "ing", "▁", "Ġ"]),
        lambda: generator.choice(SPECIALS),
    ]
    weights = [30, 12, 6, 6, 3, 2, 4, 4, 2, 4, 4, 1]
    return "".join(generator.choices(kinds, weights)[0]() for _ in range(length))


def strings_of(value, out):
    if isinstance(value, str):
        out.append(value)
    elif isinstance(value, list):
        for element in value:
            strings_of(element, out)
    elif isinstance(value, dict):
        for element in value.values():
            strings_of(element, out)


def data_texts(folder, count, generator):
    """`count` texts of the data sets under `folder`, about as many of each file."""
    files = sorted(path for path in pathlib.Path(folder).rglob("*") if path.is_file() and path.suffix in {".json", ".jsonl", ".csv", ".txt", ".tsv"})
    share = max(1, count // max(1, len(files)))
    texts = []
    for path in files:
        found = []
        try:
            content = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if path.suffix == ".jsonl":
            for line in content.splitlines()[: 20 * share]:
                try:
                    strings_of(json.loads(line), found)
                except ValueError:
                    found.append(line)
        elif path.suffix == ".json":
            try:
                strings_of(json.loads(content), found)
            except ValueError:
                found += content.splitlines()
        elif path.suffix == ".csv":
            for row in csv.reader(content.splitlines()):
                found += row
        else:
            found += content.split("\n\n")
        generator.shuffle(found)
        texts += [text for text in found if text.strip()][: 3 * share]
    generator.shuffle(texts)
    return texts[:count]


def varied_texts(count, seed, folder=None):
    """At least `count` texts: the nasty ones, random ones, texts of the data folder, and those with special tokens strewn in."""
    generator = random.Random(seed)
    texts = nasty_texts()
    if folder:
        drawn = data_texts(folder, count // 2, generator)
        texts += drawn
        for text in drawn[: count // 10]:
            cut = generator.randint(0, len(text))
            texts.append(text[:cut] + generator.choice(SPECIALS) + text[cut:])
    while len(texts) < count:
        texts.append(random_text(generator, generator.choice([1, 2, 3, 5, 8, 13, 30, 80, 200])))
    return texts
