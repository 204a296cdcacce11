"""Fine-tunes four tiny models in PyTorch: the golden runs that Headway's training is held against, step by step.

    "$(scripts/python)" scripts/goldens/fine_tuning.py [--only PATTERN] [--out FOLDER]

The models are fixtures of Tests/Goldens/Fixtures (scripts/goldens/models.py); transformers, torch and peft alone compute. Written to
Tests/FineTuningTests/Fixtures:

    schedules.json            transformers' learning rates as multiples of the highest, for each update: {"provenance", "schedules":
                              [{"schedule": "cosine" | "linear" | "constant", "steps", "warmup", "factors": [steps]}]}; constant is
                              transformers' constant_with_warmup. The first update of a warm-up has the rate 0.
    MODEL/training.json       {"provenance", "settings": {...}, "samples": [{"ids", "prompt_length"}], "steps": [{"first", "last": the window's
                              samples, first ≤ i < last; "labels", "tokens", "lr", "loss", "grad_norm", "float64_loss", "float64_grad_norm"}]}
                              loss and grad_norm (before clipping) are of the window before its update, from the run in float32; the
                              float64_ ones from the same run in float64. "bfloat16_loss": the same from a model in bfloat16 whose gradients are
                              summed into float32 masters, which AdamW updates and the model is rounded from anew; the head's
                              "bfloat16_movement_distance" is |masters − float64| / |float64 − start| after the last update, over all weights.
    MODEL/training.safetensors  for every parameter NAME (transformers' name, tied ones once):
        float32.NAME          after the last update of the float32 run
        float64.NAME          after the last update of the float64 run, written as F32
        rounding.NAME         how far rounding may carry this entry: Σ over updates of lr · δ / (√v̂ + ε), δ = 2⁻²³ · the window's greatest
                              absolute clipped gradient entry. AdamW divides by √v̂, so where an entry's own gradients are as small as their
                              rounding error (the biases of keys, which softmax ignores; embeddings of tokens that hardly occur), any two
                              correct programs differ by about this much. 0 where no gradient ever came. From the float64 run.
    MODEL/lora/               the adapter as PEFT writes it (adapter_config.json, adapter_model.safetensors), A and B random and not zero;
                              without the README that PEFT adds, and with the fixture's name for the base model's path
    MODEL/lora.json           as training.json, whose samples these are, for ten updates of A and B alone, from that adapter; also "rank", "alpha", "target_modules"
    MODEL/lora.safetensors    all F32, computed in float64 except where float32 is said:
        logits                [all tokens, vocabulary] of base + adapter, the fixture's own samples (its samples.json) end to end
        merged.logits         the same after PEFT has merged the adapter into float32 weights, computed in float32
        merged.NAME           the merged weights that differ from the base's, merged in float32 (the base model's names)
        float32.NAME, float64.NAME, rounding.NAME   A and B after the last update, under the names of adapter_model.safetensors

Training: every window holds batch × accumulate = 6 samples in file order, none crosses an epoch's end, so the last of each epoch is
short (41 samples: five, its last micro-batch one). The loss of a window is the sum of its labels' cross-entropies over their number.
The sum is formed sample by sample, without padding. torch.optim.AdamW, weight decay on parameters of two or more dimensions only,
torch.nn.utils.clip_grad_norm_, transformers.get_scheduler; no dropout.
"""
import argparse, fnmatch, json, pathlib, random, sys, zlib

import peft, torch, transformers
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

root = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "Benchmarks" / "peers"))
import attention_probe  # noqa: E402

FIXTURES = root / "Tests" / "Goldens" / "Fixtures"
BATCH, ACCUMULATE, BETAS, EPSILON, CLIP = 2, 3, (0.9, 0.999), 1e-8, 1.0
FULL = dict(steps=20, schedule="cosine", warmup=3, lr=1e-3, weight_decay=0.01)
ADAPTER = dict(steps=10, schedule="linear", warmup=2, lr=1e-2, weight_decay=0.01)
# The targets of each model's adapter; those of Llama and GPT-2 are all their linear layers.
MODELS = {"llama-head-dim": "all-linear", "gemma-multi-query": ["q_proj", "v_proj"], "opt-published": ["q_proj", "v_proj"], "gpt2-published": "all-linear"}
KINDS = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}
RANK, ALPHA = 4, 8


def about(**more):
    return {"script": "scripts/goldens/fine_tuning.py", "torch": torch.__version__, "transformers": transformers.__version__, **more}


def make_samples(config, seed):
    """41 samples whose lengths are as uneven as 40 tokens allow; some have one label, one has a prompt of one token, one has no prompt."""
    draw, samples = random.Random(seed), []
    for i in range(41):
        tokens = draw.choice([3, 4, 5, 7, 9, 12, 17, 24, 33, 40])
        prompt = tokens - 1 if i % 7 == 3 else draw.randrange(1, tokens)
        if i == 5:
            prompt = 1
        if i == 9:
            prompt = 0
        ids = [draw.randrange(3, config.vocab_size) for _ in range(tokens)]
        if prompt > 0:
            ids[0] = config.bos_token_id
        ids[-1] = config.eos_token_id
        samples.append({"ids": ids, "prompt_length": prompt})
    return samples


def load(name, dtype):
    model = AutoModelForCausalLM.from_pretrained(FIXTURES / name, dtype=dtype).eval()  # eval: no dropout
    if dtype == torch.float64:
        attention_probe.widen_norms(model)
    return model


def windows(count, steps):
    size, result = BATCH * ACCUMULATE, []
    while len(result) < steps:
        result += [(first, min(first + size, count)) for first in range(0, count, size)]
    return result[:steps]


def train(model, samples, steps, schedule, warmup, lr, weight_decay):
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    groups = [{"params": [p for _, p in named if p.dim() >= 2], "weight_decay": weight_decay}, {"params": [p for _, p in named if p.dim() < 2], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW([g for g in groups if g["params"]], lr=lr, betas=BETAS, eps=EPSILON)
    scheduler = transformers.get_scheduler(KINDS[schedule], optimizer, num_warmup_steps=warmup, num_training_steps=steps)
    rounding, log = {n: torch.zeros_like(p) for n, p in named}, []
    for step, (first, last) in enumerate(windows(len(samples), steps), 1):
        window = samples[first:last]
        labels = sum(len(s["ids"]) - max(s["prompt_length"], 1) for s in window)
        total = 0
        for sample in window:
            ids, start = torch.tensor([sample["ids"]]), max(sample["prompt_length"], 1)
            logits = model(input_ids=ids).logits[0]
            total = total + torch.nn.functional.cross_entropy(logits[start - 1 : -1], ids[0, start:], reduction="sum")
        loss = total / labels
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_([p for _, p in named], CLIP)
        rate = scheduler.get_last_lr()[0]
        greatest = max(p.grad.abs().max() for _, p in named)
        optimizer.step()
        for name, p in named:
            v = optimizer.state[p]["exp_avg_sq"] / (1 - BETAS[1] ** step)
            rounding[name] += torch.where(v > 0, rate * 2**-23 * greatest / (v.sqrt() + EPSILON), 0)
        scheduler.step()
        optimizer.zero_grad()
        log.append({"first": first, "last": last, "labels": labels, "tokens": sum(len(s["ids"]) for s in window), "lr": rate, "loss": loss.item(), "grad_norm": norm.item()})
    return log, {n: p.detach() for n, p in named}, rounding


def train_masters(model, start, samples, steps, schedule, warmup, lr, weight_decay):
    """As train, by a bfloat16 model with float32 masters that begin at `start`: the losses, and the masters by name."""
    named = list(model.named_parameters())
    masters = {n: torch.nn.Parameter(start[n].detach().float()) for n, _ in named}
    groups = [{"params": [m for m in masters.values() if m.dim() >= 2], "weight_decay": weight_decay}, {"params": [m for m in masters.values() if m.dim() < 2], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW([g for g in groups if g["params"]], lr=lr, betas=BETAS, eps=EPSILON)
    scheduler = transformers.get_scheduler(KINDS[schedule], optimizer, num_warmup_steps=warmup, num_training_steps=steps)
    losses = []
    for first, last in windows(len(samples), steps):
        window = samples[first:last]
        labels = sum(len(s["ids"]) - max(s["prompt_length"], 1) for s in window)
        loss = 0
        for master in masters.values():
            master.grad = torch.zeros_like(master)
        for sample in window:
            ids, start = torch.tensor([sample["ids"]]), max(sample["prompt_length"], 1)
            logits = model(input_ids=ids).logits[0].float()
            part = torch.nn.functional.cross_entropy(logits[start - 1 : -1], ids[0, start:], reduction="sum") / labels
            part.backward()
            loss += part.item()
            for n, p in named:
                if p.grad is not None:
                    masters[n].grad += p.grad.float()
                    p.grad = None
        torch.nn.utils.clip_grad_norm_(list(masters.values()), CLIP)
        optimizer.step()
        scheduler.step()
        with torch.no_grad():
            for n, p in named:
                p.copy_(masters[n])
        losses.append(loss)
    return losses, {n: m.detach() for n, m in masters.items()}


def both(make, samples, settings):
    """The run in float32 and in float64: the steps of both, and the tensors that training.safetensors holds."""
    log, narrow, _ = train(make(torch.float32), samples, **settings)
    exact, wide, rounding = train(make(torch.float64), samples, **settings)
    for step, other in zip(log, exact, strict=True):
        step |= {"float64_loss": other["loss"], "float64_grad_norm": other["grad_norm"]}
    tensors = {f"float32.{n}": t for n, t in narrow.items()} | {f"float64.{n}": t for n, t in wide.items()} | {f"rounding.{n}": t for n, t in rounding.items()}
    distance = {n: (narrow[n] - wide[n]).abs() for n in narrow}
    losses = max(abs(s["loss"] / s["float64_loss"] - 1) for s in log)
    return log, tensors, f"float32 against float64: losses {losses:.1e} relative, weights {max(d.max() for d in distance.values()):.1e}", {n: d.max().item() for n, d in distance.items()}


def settings_of(settings):
    return {"batch_size": BATCH, "accumulate": ACCUMULATE, "betas": BETAS, "epsilon": EPSILON, "clip": CLIP, **settings}


def write_json(path, head, lists):
    """One line for each entry of a list."""
    parts = [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in head.items()]
    parts += [f"{json.dumps(k)}: [\n" + ",\n".join(json.dumps(e) for e in entries) + "\n]" for k, entries in lists.items()]
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n")


def write_tensors(path, tensors, provenance):
    # One metadata entry, because safetensors writes several in no fixed order.
    save_file({n: t.detach().to(torch.float32).contiguous() for n, t in tensors.items()}, path, metadata={"provenance": json.dumps(provenance)})
    path.chmod(0o644)


def full(name, folder, samples):
    log, tensors, said, distance = both(lambda dtype: load(name, dtype), samples, FULL)
    start = dict(load(name, torch.float64).named_parameters())
    losses, masters = train_masters(load(name, torch.bfloat16), start, samples, **FULL)
    exact = {n: tensors[f"float64.{n}"] for n in start}
    apart, moved = (sum((one[n].double() - other[n]).square().sum() for n in start).sqrt() for one, other in ((masters, exact), (exact, start)))
    for step, loss in zip(log, losses, strict=True):
        step["bfloat16_loss"] = loss
    said += f"; bfloat16 with masters: losses {max(abs(s['bfloat16_loss'] / s['float64_loss'] - 1) for s in log):.1e} relative, movement {apart / moved:.2f}"
    provenance = about(model=name, distance=said, distance_of_tensors=distance)
    write_json(folder / "training.json", {"provenance": provenance, "settings": settings_of(FULL), "bfloat16_movement_distance": (apart / moved).item()}, {"samples": samples, "steps": log})
    write_tensors(folder / "training.safetensors", tensors, provenance)
    print(f"{name:20} loss {log[0]['loss']:.4f} -> {log[-1]['loss']:.4f}, gradient norm {min(s['grad_norm'] for s in log):.2f}-{max(s['grad_norm'] for s in log):.2f}; {said}")


def adapter(name, folder, samples, seed):
    out = folder / "lora"
    base = load(name, torch.float32)
    config = peft.LoraConfig(r=RANK, lora_alpha=ALPHA, lora_dropout=0.0, target_modules=MODELS[name], task_type="CAUSAL_LM")
    model = peft.get_peft_model(base, config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for _, p in sorted((n, p) for n, p in model.named_parameters() if p.requires_grad):
            p.copy_(0.2 * torch.randn(p.shape, generator=generator, dtype=torch.float64))
    kept = model.peft_config["default"]
    kept.base_model_name_or_path = name
    kept.target_modules = sorted(kept.target_modules)  # a set, which has another order in every process
    model.save_pretrained(out, save_embedding_layers=False)
    (out / "README.md").unlink(missing_ok=True)
    (out / "adapter_model.safetensors").chmod(0o644)
    described = json.loads((out / "adapter_config.json").read_text())

    def adapted(dtype, trainable=False):
        base = load(name, dtype)
        again = peft.PeftModel.from_pretrained(base, out, is_trainable=trainable, autocast_adapter_dtype=False).eval()
        for n, p in again.named_parameters():
            p.data = p.data.to(dtype)
            assert p.requires_grad == (trainable and "lora_" in n), n
        return again

    def logits(model):
        own = json.loads((FIXTURES / name / "samples.json").read_text())
        with torch.no_grad():
            return torch.cat([model(input_ids=torch.tensor([s["ids"]])).logits[0] for s in own])

    tensors = {"logits": logits(adapted(torch.float64))}
    untouched, merged = dict(load(name, torch.float32).named_parameters()), adapted(torch.float32).merge_and_unload()
    tensors["merged.logits"] = logits(merged)
    tensors |= {f"merged.{n}": p for n, p in merged.named_parameters() if not torch.equal(p, untouched[n])}
    apart = (tensors["merged.logits"] - tensors["logits"]).abs().max() / tensors["logits"].abs().max()
    base_apart = (logits(load(name, torch.float64)) - tensors["logits"]).abs().max() / tensors["logits"].abs().max()

    log, trained, said, distance = both(lambda dtype: adapted(dtype, trainable=True), samples, ADAPTER)
    trained = {n.replace(".default.", "."): t for n, t in trained.items()}
    stored = load_file(out / "adapter_model.safetensors")
    assert {n.removeprefix("float32.") for n in trained if n.startswith("float32.")} == set(stored), "names differ from the adapter file's"
    tensors |= trained
    provenance = about(model=name, peft=peft.__version__, seed=seed, distance=said, distance_of_tensors={n.replace(".default.", "."): d for n, d in distance.items()},
                       merged_logits=f"in float32 off by {apart:.1e} of the greatest", base_logits=f"without the adapter off by {base_apart:.1e} of the greatest")
    head = {"provenance": provenance, "rank": RANK, "alpha": ALPHA, "target_modules": described["target_modules"], "settings": settings_of(ADAPTER)}
    write_json(folder / "lora.json", head, {"steps": log})
    write_tensors(folder / "lora.safetensors", tensors, provenance)
    print(f"{name:20} LoRA on {len(stored) // 2} layers, loss {log[0]['loss']:.4f} -> {log[-1]['loss']:.4f}; merged {apart:.1e}, base {base_apart:.1e}; {said}")


def schedules(out):
    entries = []
    for schedule, kind in KINDS.items():
        for steps, warmup in [(20, 3), (20, 0), (7, 1), (5, 5)]:
            optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
            scheduler = transformers.get_scheduler(kind, optimizer, num_warmup_steps=warmup, num_training_steps=steps)
            factors = []
            for _ in range(steps):
                factors.append(scheduler.get_last_lr()[0])
                optimizer.step()
                scheduler.step()
            entries.append({"schedule": schedule, "steps": steps, "warmup": warmup, "factors": factors})
    write_json(out / "schedules.json", {"provenance": about()}, {"schedules": entries})


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--only", default="*", help="models whose name fits this pattern")
    a.add_argument("--out", type=pathlib.Path, default=root / "Tests" / "FineTuningTests" / "Fixtures")
    o = a.parse_args()
    torch.set_num_threads(1)
    o.out.mkdir(parents=True, exist_ok=True)
    schedules(o.out)
    for name in MODELS:
        if fnmatch.fnmatch(name, o.only):
            folder, seed = o.out / name, zlib.crc32(f"fine-tuning {name}".encode())
            folder.mkdir(exist_ok=True)
            samples = make_samples(transformers.AutoConfig.from_pretrained(FIXTURES / name), seed)
            full(name, folder, samples)
            adapter(name, folder, samples, seed)


if __name__ == "__main__":
    main()
