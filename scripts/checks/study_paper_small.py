#!/usr/bin/env python3
"""Runs the paper's study with its five models' shapes scaled down: 2 layers, narrow, random weights, in the published file layouts.

    "$(scripts/python)" scripts/checks/study_paper_small.py --shared SHARED [--headway .build/release/headway] [--out DIR] [--threads 2]

SHARED has models/tokenizer_llama2, tokenizer_llama3 and tokenizer_opt_gpt2, and data as docs/Datasets.md names it; where a dataset of the paper is not
there another stands in: cmath for MathBench, Alpaca's Chinese file for RefGPT, FLASK's domains for Infinity Instruct's skills, HellaSwag's
validation items split by seed. The file is that of `headway study new paper`, changed by --set alone. Random weights have nothing to say:
this shows that every step works on every shape, and that no table or figure is empty. A run that is killed goes on where it was.
"""
import argparse, json, os, pathlib, shutil, subprocess, sys

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, GemmaConfig, LlamaConfig, OPTConfig

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import study_small

NARROW = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4)
SHAPES = {
    "llama-7b": LlamaConfig(**NARROW, num_key_value_heads=4, vocab_size=32000, max_position_embeddings=2048),
    "llama2-7b": LlamaConfig(**NARROW, num_key_value_heads=4, vocab_size=32000, max_position_embeddings=4096),
    "llama3-8b": LlamaConfig(**NARROW, num_key_value_heads=2, vocab_size=128256, max_position_embeddings=8192, rope_theta=500000.0),
    "gemma-7b": GemmaConfig(**NARROW, num_key_value_heads=4, head_dim=16, vocab_size=32000),
    "opt-6.7b": OPTConfig(hidden_size=32, ffn_dim=64, num_hidden_layers=2, num_attention_heads=4, vocab_size=50272, word_embed_proj_dim=32),
}


def make_model(name, config, folder, tokenizers):
    """A folder in the layout in which the model is published."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    is_opt = name.startswith("opt")
    if name == "llama3-8b":
        config.bos_token_id, config.eos_token_id = 128000, 128001
    elif is_opt:
        config.bos_token_id = config.eos_token_id = 50256
    else:
        config.bos_token_id, config.eos_token_id = 1, 2
    model = AutoModelForCausalLM.from_config(config).to(torch.float16 if is_opt else torch.bfloat16)
    config.architectures, config.dtype = [type(model).__name__], model.dtype
    config.save_pretrained(folder)
    # Random weights as wide as trained ones' outputs, so that gradients are not lost in rounding.
    weights = {key: value.contiguous() if value.dim() == 1 else (value * 4).contiguous() for key, value in model.named_parameters()}
    weights = {key: value.detach().clone() for key, value in weights.items()}
    if is_opt:
        # OPT-6.7B: two shards of pickles, names without `model.`.
        weights = {key.removeprefix("model."): value for key, value in weights.items()}
        keys = list(weights)
        index = {}
        for number, part in enumerate((keys[: len(keys) // 2], keys[len(keys) // 2 :]), 1):
            file = f"pytorch_model-{number:05}-of-00002.bin"
            torch.save({key: weights[key] for key in part}, folder / file)
            index |= dict.fromkeys(part, file)
        (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))
        shutil.copy(tokenizers / "tokenizer_opt_gpt2/gpt2-vocab.json", folder / "vocab.json")
        shutil.copy(tokenizers / "tokenizer_opt_gpt2/gpt2-merges.txt", folder / "merges.txt")
        tokens = {"tokenizer_class": "GPT2Tokenizer", "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>", "add_bos_token": True}
    else:
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        own = "tokenizer_llama3" if name == "llama3-8b" else "tokenizer_llama2"
        shutil.copy(tokenizers / own / "tokenizer.model", folder)
        tokens = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "add_eos_token": False, "legacy": True}
        if name == "llama3-8b":
            tokens = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|begin_of_text|>", "eos_token": "<|end_of_text|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokens))


def changes(models, data):
    """What is different from the paper's file."""
    mmlu = data / "mmlu"

    def files(part, subjects):
        return [str(mmlu / part / f"{subject}_{part}.csv") for subject in subjects if (mmlu / part / f"{subject}_{part}.csv").exists()]

    split = {
        "math": (data / "math/test.jsonl", {}), "code-search-net": (models / "code.jsonl", {}), "hellaswag": (data / "hellaswag/hellaswag.jsonl", {}),
        "sgsm": (data / "sgsm/sgsm_train.json", {}), "refgpt": (data / "alpaca/alpaca_zh_demo.json", {"format": "alpaca"}),
        "mathbench": (data / "chinese_math/cmath_test.jsonl", {"format": "cmath", "benchmark": None, "limit": 60, "hold_out": 0.5}),
    }
    for name, domain in zip(("mathematics", "logical-reasoning", "programming", "education", "finance", "law"), ("Math", "Social Science", "Coding", "Humanities", "Technology", "Culture")):
        split[f"infinity-{name}"] = (data / "flask/flask_evaluation.jsonl", {"format": "flask", "only": [domain], "language": None})
    split["logical-programming"] = (data / "flask/flask_evaluation.jsonl", {"format": "flask", "only": ["Social Science", "Technology"], "language": None})
    found = {f"models.{name}.path": str(models / name) for name in SHAPES}
    for task, (file, other) in split.items():
        found |= {f"tasks.{task}.train": None, f"tasks.{task}.test": None, f"tasks.{task}.data": str(file)}
        found |= {f"tasks.{task}.limit": 200} | {f"tasks.{task}.{key}": value for key, value in other.items()}
    found |= {"tasks.gsm8k.train": str(data / "gsm8k/train.jsonl"), "tasks.gsm8k.test": str(data / "gsm8k/test.jsonl"), "tasks.gsm8k.limit": 200}
    found |= {"tasks.winogrande.train": str(data / "winogrande/train_s.jsonl"), "tasks.winogrande.test": str(data / "winogrande/dev.jsonl"), "tasks.winogrande.limit": 200}
    found |= {"tasks.arc.train": str(data / "arc/ARC-Challenge-Dev.jsonl"), "tasks.arc.test": str(data / "arc/ARC-Challenge-Test.jsonl"), "tasks.arc.limit": 200}
    text = subprocess.run([ASKED.headway, "study", "new", "paper"], check=True, capture_output=True, text=True).stdout
    for domain in ("mathematics", "physics", "chemistry", "biology"):
        block = text[text.index(f"name: mmlu-{domain}") :]
        subjects = [name.split("/")[-1].removesuffix("_test.csv") for name in block[block.index("test: [") + 7 : block.index("]", block.index("test: ["))].split(", ")]
        found |= {f"tasks.mmlu-{domain}.train": files("val", subjects), f"tasks.mmlu-{domain}.test": files("test", subjects), f"tasks.mmlu-{domain}.shots": files("dev", subjects)}
        found |= {f"tasks.mmlu-{domain}.shot_count": 1}
    block = text[text.index("name: mmlu-others") :]
    subjects = [name.split("/")[-1].removesuffix("_test.csv") for name in block[block.index("data: [") + 7 : block.index("]")].split(", ")]
    found["tasks.mmlu-others.data"] = files("test", subjects[:6])
    found |= {
        "training.lr": 1e-2, "training.epochs": 1, "training.accumulate": 1, "training.dtype": "float32", "training.max_length": 160, "training.warmup_ratio": 0, "seeds": [0, 1], "leaks": "drop", "threads": ASKED.threads,
        "budgets": {"train": 16, "probe": 6, "questions": 8, "pool": 24}, "fit": {"bootstrap": 40, "permutations": 20, "held_out": 5}, "figure_5.every": 1,
        "table_2": {"targets": ["mathbench"], "total": 8, "folds": 2, "samples": 8, "random_draws": 1},
        "table_3.choose": [8], "table_3.random_draws": 1, "table_3.samples": 8, "table_3.targets": ["mmlu-mathematics", "mmlu-physics"],
    }
    return [part for key, value in found.items() for part in ("--set", f"{key}={json.dumps(value, ensure_ascii=False)}")]


def main():
    global ASKED
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--shared", required=True)
    arguments.add_argument("--headway", default=str(pathlib.Path(__file__).resolve().parents[2] / ".build/release/headway"))
    arguments.add_argument("--out", default="study_paper_small")
    arguments.add_argument("--threads", type=int, default=2)
    ASKED = arguments.parse_args()
    out, shared = pathlib.Path(ASKED.out).absolute(), pathlib.Path(ASKED.shared).absolute()
    models = out / "models"
    for name, config in SHAPES.items():
        make_model(name, config, models / name, shared / "models")
    # Published as JSON lines under another ending.
    shutil.copy(shared / "data/codesearchnet_python/jsons_orig.txt", models / "code.jsonl")
    study = out / "paper.yaml"
    study.write_text(subprocess.run([ASKED.headway, "study", "new", "paper"], check=True, capture_output=True, text=True).stdout)
    subprocess.run([ASKED.headway, "study", "run", study, "--out", out / "study", "--quiet"] + changes(models, shared / "data"), check=True)
    found = list(study_small.problems(out / "study"))
    for problem in found:
        print(problem)
    print("every table and figure is there" if not found else f"{len(found)} problems")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
