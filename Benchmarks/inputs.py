"""Models, prompts and questions that the benchmark makes, once, in the cache folder (HEADWAY_CACHE, else XDG_CACHE_HOME/headway, else ~/.cache/headway)."""
import hashlib, json, os, pathlib, shutil, struct, subprocess, sys

import prompts, questions
from measuring import say

here = pathlib.Path(__file__).resolve().parent
root, peers = here.parent, here / "peers"
SUBJECTS = 2  # of the made-up questions of MMLU's form


def cache():
    base = os.environ.get("HEADWAY_CACHE") or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "headway")
    return pathlib.Path(base) / "bench"


def made(path, make):
    """`path`, a folder or file that `make` writes under another name first where it is not there yet."""
    if not path.exists():
        partial = path.with_name(path.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True) if partial.is_dir() else partial.unlink(missing_ok=True)
        partial.parent.mkdir(parents=True, exist_ok=True)
        make(partial)
        partial.rename(path)
    return path


def model_folder(shape, *options):
    """The random-weight model of a shape, made once for each version of what makes it; `options` go to make_model.py."""
    sources = b"".join(p.read_bytes() for p in (peers / "make_model.py", here / "prompts.py")) + " ".join(options).encode()

    def make(folder):
        say(f"making {' '.join([shape, *options])}")
        subprocess.run([sys.executable, peers / "make_model.py", shape, folder, *options], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    return made(cache() / f"{shape}-{hashlib.sha256(sources).hexdigest()[:12]}", make)


def prompt_file(model, count, tokens=None):
    """So many prompts of GSM8K's lengths, or of `tokens` tokens each."""
    path = model / f"prompts-{count}{f'-of-{tokens}' if tokens else ''}.jsonl"
    return made(path, lambda file: file.write_text("".join(json.dumps(r) + "\n" for r in prompts.make_prompts(prompts.make_tokenizer(model), count, tokens=tokens))))


def few_words(model, count, words=4):
    """Prompts of a few words, after which nearly all the time of a text goes into reading the weights."""
    records = [json.loads(line) for line in prompt_file(model, count).open()]
    return made(model / f"few-words-{count}.jsonl", lambda file: file.write_text("".join(json.dumps({"prompt": " ".join(r["prompt"].split()[:words])}) + "\n" for r in records)))


def question_folder(model, count):
    return made(model / f"questions-{count}", lambda folder: questions.make(folder, prompts.make_tokenizer(model), count, SUBJECTS, seed=3))


def weight_bytes(model, width):
    """Bytes of the weights that a token reads where each number takes `width` bytes: an embedding that is not tied is looked up, not read."""
    total, names = 0, {}
    for file in sorted(model.glob("*.safetensors")):
        with open(file, "rb") as f:
            header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        names |= {n: e for n, e in header.items() if n != "__metadata__"}
    untied = any(n.startswith("lm_head.") for n in names)
    for name, entry in names.items():
        if not (untied and "embed_tokens" in name) and "embed_positions" not in name:
            count = width
            for size in entry["shape"]:
                count *= size
            total += count
    return total
