"""Whether `headway pattern` gives the levels `signed` that TransformerLens's hooks give, on models of published shapes.

    "$(scripts/python)" scripts/checks/transformer_lens_agrees.py [--headway .build/release/headway] [--only gpt2]

GPT-2 (124M), Pythia-70m and a Llama of 8 million parameters with random weights, of which a folder is made for the time of the check, with a tokenizer of single characters. Three
samples; both compute in float32. hook_z and its gradient come from HookedTransformer (scripts/goldens/hooked_levels.py); a level is their product summed
over positions and values. Prints the greatest difference as a part of the level's sample's greatest; ends with status 1 beyond 1e-4.
"""
import argparse, json, pathlib, subprocess, sys, tempfile

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, decoders, models
from transformers import GPT2Config, GPT2LMHeadModel, GPTNeoXConfig, GPTNeoXForCausalLM, LlamaConfig, LlamaForCausalLM

root = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "scripts" / "goldens"))
from hooked_levels import hooked, signed_levels  # noqa: E402

CHARACTERS = "abcdefghijklmnopqrstuvwxyz .,"
SAMPLES = [("a small cat sat on a mat, ", "and so it was."), ("which way ", "north, or south, or back again to where it all began."), ("x", "y")]
SHAPES = {
    "gpt2": lambda: GPT2LMHeadModel(GPT2Config()),
    "pythia-70m": lambda: GPTNeoXForCausalLM(GPTNeoXConfig(
        vocab_size=50304, hidden_size=512, intermediate_size=2048, num_hidden_layers=6, num_attention_heads=8, max_position_embeddings=2048,
        rotary_pct=0.25, bos_token_id=0, eos_token_id=0)),
    "llama-8m": lambda: LlamaForCausalLM(LlamaConfig(
        vocab_size=8192, hidden_size=256, intermediate_size=704, num_hidden_layers=8, num_attention_heads=8, num_key_value_heads=4, tie_word_embeddings=True, eos_token_id=2)),
}


def check(name, headway):
    torch.manual_seed(0)
    model = SHAPES[name]().eval()
    with torch.no_grad():
        for n, p in model.named_parameters():
            # Attention far from uniform, and biases that count.
            if p.dim() > 1: p.mul_(3)
            elif n.endswith("bias"): p.normal_(0, 0.1)
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        model.save_pretrained(scratch / "model")
        tokenizer = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(CHARACTERS)}, merges=[]))
        tokenizer.decoder = decoders.Fuse()
        tokenizer.save(str(scratch / "model" / "tokenizer.json"))
        (scratch / "model" / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))
        (scratch / "data.jsonl").write_text("".join(json.dumps({"prompt": p, "response": r}) + "\n" for p, r in SAMPLES))
        out = scratch / "pattern.safetensors"
        subprocess.run(
            [headway, "pattern", scratch / "model", "--data", scratch / "data.jsonl", "--format", "pairs", "--dtype", "float32", "--score", "signed", "--per-sample",
             "--out", out, "--quiet"], check=True, stdout=subprocess.DEVNULL)
        found = load_file(out)
    ids = lambda text: [CHARACTERS.index(c) for c in text]
    samples = [{"ids": ids(p) + ids(r) + [model.config.eos_token_id], "prompt_length": len(p)} for p, r in SAMPLES]
    expected, losses = signed_levels(hooked(model, torch.float32), samples)
    return found, expected, losses


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--headway", type=pathlib.Path, default=root / ".build/release/headway"); a.add_argument("--only", default="gpt2,pythia-70m,llama-8m")
    o = a.parse_args()
    worst = 0.0
    for name in o.only.split(","):
        found, expected, losses = check(name, o.headway.resolve())
        levels = found["signed.samples"]
        away = ((levels - expected).abs() / expected.abs().amax((1, 2), keepdim=True)).max().item()
        loss = max(abs(a - b) / b for a, b in zip(found["loss"].tolist(), losses))
        print(f"{name}: {tuple(expected.shape)} levels, greatest difference {away:.1e} of a sample's greatest, losses {loss:.1e}")
        worst = max(worst, away)
    sys.exit(worst > 1e-4)


if __name__ == "__main__":
    main()
