"""Low-rank adapters as PEFT computes and describes them, apart from the golden runs of scripts/goldens/fine_tuning.py.

    "$(scripts/python)" scripts/goldens/adapters.py

Written, by peft, torch and transformers alone:

    Tests/TorchTests/Fixtures/adapters/layer.safetensors
        PEFT's linear layer in bfloat16 with an adapter of rank 4 in float32, as autocast_adapter_dtype leaves it: x [T, in], weight [out, in],
        base (what the weight gives) [T, out], A, B, scale, result [T, out], gradient (by the result) [T, out], and what it becomes by.x, by.A, by.B;
        rounded.result: the same with the adapter in bfloat16, which is what the layer is not.
    Tests/LanguageModelsTests/Fixtures/adapters/lora_config.json
        {"provenance", "keys": {every key of an adapter_config.json as PEFT writes it: its default}}
    Tests/FineTuningTests/Fixtures/MODEL/lora-bfloat16.json
        {"provenance", "losses": [ten updates as in lora.json, from the same adapter, of a base model in bfloat16 with the adapter in float32],
        "movement_distance": |A, B − float64's| / |float64's − start| after the last one}
"""
import json

import peft, torch
from safetensors.torch import load_file

from fine_tuning import ADAPTER, MODELS, about, load, root, train, write_tensors

TESTS = root / "Tests"


def layer(folder):
    generator = torch.Generator().manual_seed(5)

    def drawn(*shape, factor=1.0):
        return factor * torch.randn(shape, generator=generator)

    inputs, outputs, rank, tokens = 48, 40, 4, 13
    config = peft.LoraConfig(r=rank, lora_alpha=6, target_modules=["0"])
    weight, a, b = drawn(outputs, inputs, factor=inputs**-0.5), drawn(rank, inputs, factor=inputs**-0.5), drawn(outputs, rank)
    x, gradient = drawn(tokens, inputs).bfloat16(), drawn(tokens, outputs).bfloat16()

    def run(narrow):
        base = torch.nn.Sequential(torch.nn.Linear(inputs, outputs, bias=False, dtype=torch.bfloat16))
        base[0].weight.data.copy_(weight)
        model = peft.get_peft_model(base, config, autocast_adapter_dtype=not narrow)
        adapted = model.base_model.model[0]
        down, up = adapted.lora_A["default"].weight, adapted.lora_B["default"].weight
        assert down.dtype == (torch.bfloat16 if narrow else torch.float32)
        down.data.copy_(a)
        up.data.copy_(b)
        leaf = x.clone().requires_grad_()
        result = adapted(leaf)
        # The gradient by x through the adapter alone: what the base weight gives is linear in x and not under test.
        adapter = (adapted.lora_B["default"](adapted.lora_A["default"](leaf.to(down.dtype))) * adapted.scaling["default"]).to(result.dtype)
        by = torch.autograd.grad(adapter, [leaf, down, up], gradient)
        return adapted.base_layer(x).detach(), result.detach(), by, adapted.scaling["default"]

    base, result, (by_x, by_a, by_b), scale = run(False)
    tensors = {"x": x, "weight": weight, "base": base, "A": a, "B": b, "scale": torch.tensor([scale]), "result": result, "gradient": gradient,
               "by.x": by_x, "by.A": by_a, "by.B": by_b, "rounded.result": run(True)[1]}
    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(folder / "layer.safetensors", tensors, {**about(peft=peft.__version__), "script": "scripts/goldens/adapters.py"})


def keys(folder):
    folder.mkdir(parents=True, exist_ok=True)
    provenance = {"script": "scripts/goldens/adapters.py", "peft": peft.__version__}
    config = peft.LoraConfig().to_dict()
    config["peft_type"] = config["peft_type"].value
    text = json.dumps({"provenance": provenance, "keys": {k: v for k, v in sorted(config.items()) if k != "peft_version"} | {"peft_version": None}}, indent=1)
    (folder / "lora_config.json").write_text(text + "\n")


class Widened:
    """A model whose logits are float32, as losses are computed in."""

    def __init__(self, model):
        self.model = model

    def named_parameters(self):
        return self.model.named_parameters()

    def __call__(self, **inputs):
        output = self.model(**inputs)
        output.logits = output.logits.float()
        return output


def run(name, folder):
    samples = json.loads((folder / "training.json").read_text())["samples"]
    model = peft.PeftModel.from_pretrained(load(name, torch.bfloat16), folder / "lora", is_trainable=True).eval()
    assert {p.dtype for n, p in model.named_parameters() if p.requires_grad} == {torch.float32}
    log, trained, _ = train(Widened(model), samples, **ADAPTER)
    start, golden = load_file(folder / "lora" / "adapter_model.safetensors"), load_file(folder / "lora.safetensors")
    trained = {n.replace(".default.", "."): t for n, t in trained.items()}
    apart, moved = (sum((one(n).double() - golden[f"float64.{n}"]).square().sum() for n in trained).sqrt() for one in (trained.get, start.get))
    provenance = {**about(model=name, peft=peft.__version__), "script": "scripts/goldens/adapters.py"}
    content = {"provenance": provenance, "losses": [s["loss"] for s in log], "movement_distance": (apart / moved).item()}
    (folder / "lora-bfloat16.json").write_text(json.dumps(content, indent=1) + "\n")
    exact = json.loads((folder / "lora.json").read_text())["steps"]
    print(name, "losses", max(abs(s["loss"] / e["float64_loss"] - 1) for s, e in zip(log, exact, strict=True)), "movement", (apart / moved).item())


if __name__ == "__main__":
    torch.set_num_threads(1)
    layer(TESTS / "TorchTests" / "Fixtures" / "adapters")
    keys(TESTS / "LanguageModelsTests" / "Fixtures" / "adapters")
    for name in MODELS:
        run(name, TESTS / "FineTuningTests" / "Fixtures" / name)
