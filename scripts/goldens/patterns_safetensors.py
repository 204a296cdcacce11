"""Makes the safetensors fixtures of the room Torch with the reference implementation.

    python scripts/goldens/patterns_safetensors.py     (safetensors 0.8.0, torch 2.15.0)

Writes Tests/CheckpointFilesTests/Fixtures/reference.safetensors (every element type, odd shapes, empty and scalar tensors, names and
metadata beyond ASCII) and reference.json (its values as safetensors reads them back).
"""

import json
import pathlib

import safetensors
import safetensors.torch
import torch

folder = pathlib.Path(__file__).parents[2] / "Tests/CheckpointFilesTests/Fixtures"
generator = torch.Generator().manual_seed(7)
halves = torch.tensor([0.0, -0.0, 1.0, -2.5, 6.1e-5, 5.96e-8, 65504.0, 3.14159, float("inf"), -float("inf")])
tensors = {
    "bfloat16": halves.to(torch.bfloat16),
    "bool": torch.tensor([True, False, True]),
    "empty": torch.zeros(0, 4),
    "float16": halves.to(torch.float16),
    "float32": torch.randn(3, 5, 1, generator=generator),
    "float64": torch.randn(7, generator=generator, dtype=torch.float64),
    "int16": torch.tensor([-32768, 0, 32767], dtype=torch.int16),
    "int32": torch.tensor([[-(2**31), 2**31 - 1]], dtype=torch.int32),
    "int64": torch.tensor([-(2**63), 2**63 - 1, 0]),
    "int8": torch.tensor([-128, 127], dtype=torch.int8),
    "scalar": torch.tensor(2.5),
    "uint8": torch.tensor([0, 255], dtype=torch.uint8),
    "层.0.\"weight\"\n😀": torch.arange(4, dtype=torch.float32),
}
path = folder / "reference.safetensors"
# One metadata entry: the reference implementation writes several in no particular order.
safetensors.torch.save_file(tensors, path, metadata={"headway.备注": "引号\" 反斜线\\ \t😀"})
path.chmod(0o644)
read = safetensors.torch.load_file(path)


def plain(tensor):
    values = (tensor.double() if tensor.is_floating_point() else tensor).flatten().tolist()
    # As text: JSON has no infinities, and its readers may drop the sign of zero.
    return [repr(value) if isinstance(value, float) else value for value in values]


golden = {
    "made_by": "scripts/goldens/patterns_safetensors.py",
    "versions": {"safetensors": safetensors.__version__, "torch": torch.__version__},
    "tensors": {
        name: {"dtype": str(tensor.dtype).removeprefix("torch."), "shape": list(tensor.shape), "values": plain(tensor)}
        for name, tensor in read.items()
    },
}
(folder / "reference.json").write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n")
