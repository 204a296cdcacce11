"""Whether a folder that Headway wrote gives the same losses in transformers (and PEFT, for adapters) as in Headway.

    "$(scripts/python)" scripts/checks/loads_elsewhere.py FOLDER DATA.jsonl [--limit 8] [--headway .build/release/headway] [--prompt TEXT]

FOLDER is the output of `headway sft` or `headway merge`; DATA holds prompt and response in each line. Both compute in float32. Prints the greatest
relative difference of a sample's mean loss, and what transformers generates from the prompt; ends with status 1 beyond 1e-4.
"""
import argparse, json, pathlib, subprocess, sys, tempfile

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

root = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "Benchmarks" / "peers"))
from reference_patterns import encode  # noqa: E402


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("folder", type=pathlib.Path); a.add_argument("data", type=pathlib.Path)
    a.add_argument("--limit", type=int, default=8); a.add_argument("--headway", default=root / ".build/release/headway"); a.add_argument("--prompt")
    o = a.parse_args()
    if (o.folder / "adapter_config.json").exists():
        from peft import PeftModel

        base = json.loads((o.folder / "adapter_config.json").read_text())["base_model_name_or_path"]
        model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), o.folder)
    else:
        model = AutoModelForCausalLM.from_pretrained(o.folder, dtype=torch.float32)
    model.eval()
    tokenizer = AutoTokenizer.from_pretrained(o.folder)
    with tempfile.TemporaryDirectory() as scratch:
        out = pathlib.Path(scratch) / "p.safetensors"
        subprocess.run([o.headway, "pattern", o.folder, "--data", o.data, "--format", "pairs", "--limit", str(o.limit), "--dtype", "float32", "--per-sample", "--out", out, "--quiet"], check=True, stdout=subprocess.DEVNULL)
        ours = load_file(out)["loss"]
    records = [json.loads(line) for line in o.data.open()][: o.limit]
    worst = 0.0
    for record, loss in zip(records, ours):
        ids, labels = encode(tokenizer, record, 1024)
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids])).logits[0]
        theirs = torch.nn.functional.cross_entropy(logits[:-1], torch.tensor(labels[1:]), ignore_index=-100)
        worst = max(worst, abs(theirs.item() - loss.item()) / theirs.item())
    print(f"{len(records)} samples, greatest relative difference of a loss: {worst:.1e}")
    if o.prompt:
        ids = tokenizer(o.prompt, return_tensors="pt").input_ids
        print(tokenizer.decode(model.generate(input_ids=ids, max_new_tokens=60, do_sample=False)[0]))
    sys.exit(worst > 1e-4)


if __name__ == "__main__":
    main()
