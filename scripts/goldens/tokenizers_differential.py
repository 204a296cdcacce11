"""Compares token ids with Hugging Face's on many varied texts, and the speed of both.

    python scripts/goldens/tokenizers_differential.py --data FOLDER --count 20000 \\
        --command ".build/release/headway tokenize {model} --quoted --quiet" MODEL...

MODEL is a folder that transformers' AutoTokenizer loads. COMMAND reads a JSON string a line and writes a JSON array of ids a
line. Speed is of one thread on both sides: encode time is that of all texts less that of none (start and loading).

Made with tokenizers 0.23.3, transformers 5.23.0.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import time

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("RAYON_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import transformers  # noqa: E402

from tokenizers_texts import varied_texts  # noqa: E402


def run(command, lines, times=1):
    """The lines that it prints, and the least of the seconds that it takes."""
    seconds = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        result = subprocess.run(shlex.split(command), input=lines.encode(), capture_output=True, check=False)
        seconds = min(seconds, time.perf_counter() - start)
    if result.returncode != 0:
        print(f"{command}: exit {result.returncode}: {result.stderr.decode()[:500]}")
    # Not splitlines: it cuts at U+2028 and others too.
    return result.stdout.decode().split("\n")[:-1], seconds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="+")
    parser.add_argument("--command", required=True)
    parser.add_argument("--data")
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--decode", action="store_true", help="also compare the decoded texts (the command must take --decode)")
    options = parser.parse_args()
    texts = varied_texts(options.count, options.seed, options.data)
    size = sum(len(text.encode()) for text in texts)
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    print(f"{len(texts)} texts, {size / 1e6:.2f} MB, transformers {transformers.__version__}")
    failed = False
    for model in options.models:
        start = time.perf_counter()
        reference = transformers.AutoTokenizer.from_pretrained(model)
        load_reference = time.perf_counter() - start
        for special in (True, False):
            start = time.perf_counter()
            # One by one: a batch would be cut into threads.
            expected = [reference.backend_tokenizer.encode(text, add_special_tokens=special).ids for text in texts]
            encode_reference = time.perf_counter() - start
            command = options.command.format(model=shlex.quote(model)) + ("" if special else " --no-special")
            _, nothing = run(command, "", times=3)
            found, total = run(command, lines, times=3)
            found = [json.loads(line) for line in found]
            wrong = [place for place in range(len(texts)) if place >= len(found) or found[place] != expected[place]]
            print(
                f"{model} special={special}: {len(texts) - len(wrong)} equal, {len(wrong)} different; "
                f"start and load {nothing:.3f} s (Hugging Face load {load_reference:.3f} s), "
                f"encode {size / 1e6 / max(total - nothing, 1e-9):.1f} MB/s (Hugging Face {size / 1e6 / encode_reference:.1f} MB/s)"
            )
            for place in wrong[:5]:
                print(f"  {texts[place][:200]!r}\n    expected {expected[place][:40]}\n    found    {found[place][:40] if place < len(found) else None}")
            failed |= bool(wrong) or len(found) != len(texts)
            if special and options.decode:
                kept = [ids for ids in expected]
                for skip in (False, True):
                    command = options.command.format(model=shlex.quote(model)) + " --decode" + (" --no-special" if skip else "")
                    decoded, _ = run(command, "".join(json.dumps(ids) + "\n" for ids in kept))
                    decoded = [json.loads(line) for line in decoded]
                    # Special tokens are taken out here: tokenizers 0.23.3 keeps those that are normalised.
                    special = {id for id, token in reference.backend_tokenizer.get_added_tokens_decoder().items() if token.special and skip}
                    wanted = [reference.backend_tokenizer.decode([id for id in ids if id not in special], skip_special_tokens=False) for ids in kept]
                    wrong = [place for place in range(len(texts)) if place >= len(decoded) or decoded[place] != wanted[place]]
                    print(f"{model} decode skip={skip}: {len(texts) - len(wrong)} equal, {len(wrong)} different")
                    for place in wrong[:5]:
                        print(f"  {kept[place][:30]}\n    expected {wanted[place][:100]!r}\n    found    {decoded[place][:100] if place < len(decoded) else None!r}")
                    failed |= bool(wrong)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
