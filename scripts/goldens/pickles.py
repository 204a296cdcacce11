"""Makes the PyTorch checkpoints that the room Torch reads, and those that it must refuse.

    "$(scripts/python)" scripts/goldens/pickles.py [--large]     (torch 2.15.0)

Writes into Tests/CheckpointFilesTests/Fixtures/pickles

    sound/*.bin, sound.json      written by torch.save; for each file its tensors' types, shapes and values
    refused/*.bin, refused.json  files that must end in a sentence, and what the sentence must contain. Some are honest files that hold
                                 more than tensors, some are made to harm: Python's own pickle would run them.
    large.json                   (--large, needs 6 GB of disk) a torch.save file beyond 4 GiB as its size and its few bytes that are not
                                 zero, so that a test can lay it down as a file with holes

Nothing is loaded back here but what this script made of tensors alone.
"""
import argparse, base64, builtins, collections, io, json, os, pathlib, pickle, shutil, struct, subprocess, tempfile, zipfile

import torch

folder = pathlib.Path(__file__).parents[2] / "Tests" / "CheckpointFilesTests" / "Fixtures" / "pickles"
generator = torch.Generator().manual_seed(11)


def random(*shape):
    return torch.randn(*shape, generator=generator)


# --- files that are read ---

def sound():
    halves = torch.tensor([0.0, -0.0, 1.0, -2.5, 6.1e-5, 5.96e-8, 65504.0, 3.14159])
    every = {
        "bfloat16": halves.to(torch.bfloat16), "float16": halves.to(torch.float16), "float32": random(3, 5, 1), "float64": random(7).double(),
        "bool": torch.tensor([True, False, True]), "uint8": torch.tensor([0, 255], dtype=torch.uint8), "int8": torch.tensor([-128, 127], dtype=torch.int8),
        "int16": torch.tensor([-32768, 0, 32767], dtype=torch.int16), "int32": torch.tensor([[-(2**31), 2**31 - 1]], dtype=torch.int32),
        "int64": torch.tensor([-(2**63), 2**63 - 1, 0]), "scalar": torch.tensor(2.5), "empty": torch.zeros(0, 4), "层.0.\"weight\"\n😀": torch.arange(4.0),
    }
    for protocol in (2, 3, 4, 5):
        yield f"protocol-{protocol}", every, dict(pickle_protocol=protocol)
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2), torch.nn.BatchNorm1d(2))
    for _, p in module.named_parameters():
        p.data = random(*p.shape)
    yield "state-dict", module.state_dict(), {}
    yield "state-dict-protocol-4", module.state_dict(), dict(pickle_protocol=4)
    yield "parameters", dict(module.named_parameters()), {}
    yield "gradients", {"leaf": random(2, 2).requires_grad_()}, {}
    base = random(4, 6)
    cube = random(2, 3, 4)
    yield "views", {
        "transposed": base.t(), "offset": base[1:3], "row": base[2], "columns": base[:, 1:4], "step": base[::2, ::3], "permuted": cube.permute(2, 0, 1),
        "inner": cube[:, 1:2, 2:], "element": cube[1, 2, 3], "ones": base[:, 2:3].t(), "empty": base[2:2, 1:], "diagonal": base.diagonal(), "unsqueezed": base.t()[:, None],
    }, {}
    table = random(5, 3)
    yield "tied", {"embed_tokens.weight": table, "lm_head.weight": table, "half": table[:2]}, {}
    yield "many", collections.OrderedDict((f"layers.{i}.weight", torch.full((1,), i, dtype=torch.int16)) for i in range(300)), {}
    yield "sizes", {"wide": torch.arange(70_000, dtype=torch.int32).to(torch.uint8)}, {}
    yield "nothing", {}, {}


def described(tensor):
    tensor = tensor.detach()
    values = tensor.flatten().tolist()
    return {"dtype": str(tensor.dtype).removeprefix("torch."), "shape": list(tensor.shape), "values": [v if isinstance(v, (bool, int)) else float(v).hex() for v in values]}


def write_sound():
    golden = {}
    for name, tensors, options in sound():
        file = f"{name}.bin"
        torch.save(tensors, folder / "sound" / file, **options)
        golden[file] = {n: described(t) for n, t in tensors.items()} if name != "sizes" else {n: {"dtype": "uint8", "shape": list(t.shape), "values": None} for n, t in tensors.items()}
    buffer = io.BytesIO()
    torch.save({"weight": torch.arange(3.0)}, buffer)
    (folder / "sound" / "buffer.bin").write_bytes(buffer.getvalue())
    golden["buffer.bin"] = {"weight": described(torch.arange(3.0))}
    provenance = {"script": "scripts/goldens/pickles.py", "torch": torch.__version__}
    (folder / "sound.json").write_text(json.dumps({"provenance": provenance, "files": golden}, ensure_ascii=False, separators=(",", ":")) + "\n")


# --- files that are refused ---

def saved(value, **options):
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return buffer.getvalue()


def entries(data):
    with zipfile.ZipFile(io.BytesIO(data)) as z:
        return [(i.filename, z.read(i)) for i in z.infolist()]


def archive(parts, method=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as z:
        for name, data in parts:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = method
            z.writestr(info, data)
    return buffer.getvalue()


def with_pickle(program, storages={"0": bytes(16)}):
    return archive([("archive/data.pkl", program), ("archive/byteorder", b"little")] + [(f"archive/data/{k}", v) for k, v in storages.items()] + [("archive/version", b"3\n")])


class Calls:
    """Pickles as a call that Python makes on loading."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def text(s):
    return b"X" + struct.pack("<I", len(s.encode())) + s.encode()


def number(n):
    if 0 <= n < 256:
        return b"K" + bytes([n])
    data = n.to_bytes((n.bit_length() // 8) + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def tuple_of(*items):
    return b"(" + b"".join(items) + b"t"


ORDERED = b"ccollections\nOrderedDict\n)R"


def storage(count=4, kind="FloatStorage", key="0"):
    return tuple_of(text("storage"), f"ctorch\n{kind}\n".encode(), text(key), text("cpu"), number(count)) + b"Q"


def tensor(shape, strides, offset=0, of=None, hooks=ORDERED, tail=b""):
    size = lambda values: tuple_of(*[number(v) for v in values])
    return b"ctorch._utils\n_rebuild_tensor_v2\n" + tuple_of(of or storage(), number(offset), size(shape), size(strides), b"\x89", hooks, tail) + b"R"


def dictionary(value, name="weight"):
    return b"\x80\x02}" + text(name) + value + b"s."


def refused():
    touch = "touch headway-executed"
    weights = {"weight": torch.arange(4.0)}
    good = saved(weights)

    # Honest files that are more than a dictionary of tensors, or written otherwise.
    yield "legacy", saved(weights, _use_new_zipfile_serialization=False), "before 1.6"
    yield "compressed", archive(entries(good), zipfile.ZIP_DEFLATED), "is compressed (zip method 8)"
    yield "training-state", saved({"model": weights, "epoch": 3}), "\"model\" is a dictionary instead of a tensor"
    yield "number", saved({"weight": torch.arange(4.0), "epoch": 3}), "\"epoch\" is a number instead of a tensor"
    yield "list", saved([torch.arange(4.0)]), "holds a list instead of a dictionary"
    yield "whole-module", saved(torch.nn.Linear(2, 2)), "the global \"torch.nn.modules.linear.Linear\""
    yield "complex", saved({"weight": torch.zeros(2, dtype=torch.complex64)}), "the global \"torch.ComplexFloatStorage\""
    yield "eight-bit", saved({"weight": torch.zeros(2, dtype=torch.float8_e4m3fn)}), "the global \"torch._utils._rebuild_tensor_v3\""
    yield "sparse", saved({"weight": torch.eye(2).to_sparse()}), "the global \"torch._utils._rebuild_sparse_tensor\""
    yield "conjugated", saved({"weight": torch.arange(4.0)._neg_view()}), "conjugated or negated"
    yield "expanded", saved({"weight": torch.ones(1).expand(1000, 1000)}), "repeats the 1 numbers"
    yield "big-endian", archive([(n, b"big" if n.endswith("byteorder") else d) for n, d in entries(good)]), "little-endian"
    yield "numpy", saved({"weight": torch.arange(4.0), "mean": torch.arange(4.0).numpy()}), "the global \"numpy"
    yield "script", archive([(n, d) for n, d in entries(good)] + [("archive/constants.pkl", b"\x80\x02).")]), "TorchScript"
    yield "no-pickle", archive([("archive/data/0", bytes(16))]), "without \"archive/data.pkl\""
    yield "other-zip", archive([("readme.txt", b"hello")]), "not of torch.save"
    yield "no-zip", b"weights", "not a PyTorch checkpoint"
    yield "empty-file", b"", "not a PyTorch checkpoint"

    # Calls that Python's pickle would make.
    yield "posix-system", saved({"weight": Calls(os.system, touch)}), "the global \"posix.system\""
    yield "os-system", with_pickle(dictionary(b"cos\nsystem\n" + tuple_of(text(touch)) + b"R")), "the global \"os.system\""
    yield "os-system-protocol-4", with_pickle(pickle.dumps({"weight": Calls(os.system, touch)}, 4)), "the global \"posix.system\""
    yield "builtins-eval", saved({"weight": Calls(builtins.eval, f"__import__('os').system('{touch}')")}), "eval\""
    yield "builtins-getattr", saved({"weight": Calls(getattr, Calls(__import__, "os"), "system")}), "getattr\""
    yield "subprocess", saved({"weight": Calls(subprocess.run, touch.split())}), "run\""
    yield "torch-load", with_pickle(dictionary(b"ctorch\nload\n" + tuple_of(text("other.bin")) + b"R")), "the global \"torch.load\""
    yield "torch-storage-look-alike", with_pickle(dictionary(b"ctorch\nEvilStorage\n" + tuple_of() + b"R")), "the global \"torch.EvilStorage\""
    yield "dotted-name", with_pickle(b"\x80\x04" + b"\x8c\x0ctorch._utils" + b"\x8c\x10sys.modules.keys" + b"\x93)R."), "the global \"torch._utils.sys.modules.keys\""
    yield "newline-name", with_pickle(b"\x80\x04" + b"\x8c\x02o\n" + b"\x8c\x06sys\ntm" + b"\x93)R."), "the global \"o\\n.sys\\ntm\""
    yield "nested-reduce", with_pickle(dictionary(b"ccollections\nOrderedDict\n)R" + tuple_of(text(touch)) + b"R")), "calls a dictionary"
    yield "reduce-in-arguments", with_pickle(dictionary(b"ctorch._utils\n_rebuild_parameter\n" + tuple_of(b"cposix\nsystem\n" + tuple_of(text(touch)) + b"R", b"\x88", ORDERED) + b"R")), "the global \"posix.system\""
    yield "reduce-text", with_pickle(dictionary(text("os.system") + tuple_of(text(touch)) + b"R")), "calls a text"
    yield "reduce-storage-type", with_pickle(dictionary(b"ctorch\nFloatStorage\n" + tuple_of(number(2**40)) + b"R")), "calls a type of number"
    yield "ordered-dict-of-list", with_pickle(dictionary(b"ccollections\nOrderedDict\n" + tuple_of(b"]") + b"R")), "makes an OrderedDict of something"
    yield "inst", with_pickle(b"\x80\x02(" + text(touch) + b"ios\nsystem\n."), "the instruction INST"
    yield "obj", with_pickle(b"\x80\x02(cos\nsystem\n" + text(touch) + b"o."), "the global \"os.system\""
    yield "obj-of-known", with_pickle(b"\x80\x02(ccollections\nOrderedDict\n" + text(touch) + b"o."), "the instruction OBJ"
    yield "newobj", with_pickle(b"\x80\x02ccollections\nOrderedDict\n)\x81."), "the instruction NEWOBJ"
    yield "extension", with_pickle(b"\x80\x02\x82\x01."), "the instruction EXT1"
    yield "build-attributes", with_pickle(b"\x80\x02" + ORDERED + b"}" + text("__class__") + text("Evil") + b"sb."), "attribute other than _metadata"
    yield "build-dictionary", with_pickle(b"\x80\x02}}" + text("_metadata") + b"Nsb."), "not an OrderedDict"
    yield "persistent-module", with_pickle(dictionary(tuple_of(text("module"), text("os"), text("source"), text("code")) + b"Q")), "not a storage"
    yield "hooks", with_pickle(dictionary(tensor([4], [1], hooks=ORDERED + text("hook") + number(1) + b"s"))), "something else than a storage"
    yield "old-protocol", with_pickle(b"(dp0\n."), "protocol of 2 or later"
    yield "future-protocol", with_pickle(b"\x80\x06}."), "protocol 6"
    yield "unknown-instruction", with_pickle(b"\x80\x02\xff."), "the instruction 0xff"

    # Bombs and huge sizes.
    recall, remember = lambda i: b"h" + bytes([i]), lambda i: b"q" + bytes([i])
    laughs = b"]" + remember(0) + text("ha") + b"a" + b"".join(b"](" + recall(i) * 10 + b"e" + remember(i + 1) for i in range(60))
    yield "laughs", with_pickle(b"\x80\x02}" + text("weight") + b"(" + laughs + b"t" + b"s."), "\"weight\" is a tuple instead of a tensor"
    yield "itself", with_pickle(b"\x80\x02}q\x00" + text("weight") + b"h\x00s."), "\"weight\" is a dictionary instead of a tensor"
    yield "deep", with_pickle(dictionary(b"]" * 25_000 + b"a" * 24_999)), "\"weight\" is a list instead of a tensor"
    yield "deep-tuples", with_pickle(dictionary(b")" + b"\x85" * 25_000)), "\"weight\" is a tuple instead of a tensor"
    yield "long-text", with_pickle(b"\x80\x02}X\xff\xff\xff\xff."), "claims a text of 4294967295 bytes"
    yield "longer-text", with_pickle(b"\x80\x04}\x8d" + b"\xff" * 8 + b"."), "claims a text of 18446744073709551615 bytes"
    yield "long-frame", with_pickle(b"\x80\x04\x95" + b"\xff" * 8 + b"}."), "has a frame of 18446744073709551615 bytes"
    yield "long-number", with_pickle(b"\x80\x02\x8a\xff" + b"\x7f" * 255 + b"."), "a number of 255 bytes"
    yield "long4", with_pickle(b"\x80\x02\x8b\xff\xff\xff\x7f."), "the instruction LONG4"
    yield "huge-storage", with_pickle(dictionary(tensor([4], [1], of=storage(2**62)))), "storage of 4611686018427387904 float32 numbers"
    yield "larger-storage", with_pickle(dictionary(tensor([4], [1], of=storage(5)))), "storage of 5 float32 numbers, but the file holds 16 bytes"
    yield "negative-storage", with_pickle(dictionary(tensor([4], [1], of=storage(-4)))), "not a storage of numbers"
    yield "absent-storage", with_pickle(dictionary(tensor([4], [1], of=storage(key="../../etc/passwd")))), "the storage \"../../etc/passwd\", which the file does not hold"
    yield "huge-shape", with_pickle(dictionary(tensor([2**40, 2**40], [2**40, 1]))), "more elements than can be counted"
    yield "huge-empty-shape", with_pickle(dictionary(tensor([2**40, 2**40, 0], [1, 1, 1]))), "more elements than can be counted"
    yield "repeated", with_pickle(dictionary(tensor([2**40], [0]))), "repeats the 4 numbers"
    yield "huge-stride", with_pickle(dictionary(tensor([3], [2**62]))), "reaches beyond its storage"
    yield "huge-offset", with_pickle(dictionary(tensor([2], [1], offset=2**63 - 1))), "reaches beyond its storage"
    yield "offset", with_pickle(dictionary(tensor([2], [1], offset=3))), "reaches beyond its storage"
    yield "scalar-offset", with_pickle(dictionary(tensor([], [], offset=4))), "beyond its storage"
    yield "negative-offset", with_pickle(dictionary(tensor([2], [1], offset=-1))), "something else than a storage"
    yield "negative-stride", with_pickle(dictionary(tensor([2], [-1], offset=1))), "not a whole number from 0"
    yield "negative-shape", with_pickle(dictionary(tensor([-2], [1]))), "not a whole number from 0"
    yield "shape-without-strides", with_pickle(dictionary(tensor([2, 2], [1]))), "2 dimensions with 1 strides"
    yield "dimensions", with_pickle(dictionary(tensor([1] * 65, [1] * 65))), "a tensor of 65 dimensions"
    yield "twice", with_pickle(b"\x80\x02}(" + (text("weight") + tensor([4], [1])) * 2 + b"u."), "holds \"weight\" twice"
    yield "not-utf8", with_pickle(b"\x80\x02}X\x01\x00\x00\x00\xff" + tensor([4], [1]) + b"s."), "not UTF-8"
    yield "number-for-a-name", with_pickle(b"\x80\x02}K\x01" + tensor([4], [1]) + b"s."), "a number for a name"
    yield "underflow", with_pickle(b"\x80\x02}(s."), "takes a value where there is none"
    yield "no-mark", with_pickle(b"\x80\x02}u."), "a mark where there is none"
    yield "odd-items", with_pickle(b"\x80\x02}(K\x01u."), "a key without a value"
    yield "never-remembered", with_pickle(b"\x80\x02h\x07."), "recalls the value 7"
    yield "no-stop", with_pickle(b"\x80\x02}"), "is cut short"
    yield "after-stop", with_pickle(b"\x80\x02}.}"), "goes on after its end"
    yield "two-values", with_pickle(b"\x80\x02}}."), "does not end with one value"

    # Containers.
    twice = archive([("archive/data.pkl", pickle.dumps({}, 2)), ("archive/data.pkx", pickle.dumps({}, 2))])
    yield "entry-twice", twice.replace(b"data.pkx", b"data.pkl"), "two entries named"
    central = good.rindex(b"PK\x01\x02")
    first = good.index(b"PK\x01\x02")
    edit = lambda at, new, data=good: data[:at] + new + data[at + len(new):]
    yield "encrypted", edit(first + 8, b"\x09\x08"), "is encrypted"
    yield "entry-beyond", edit(first + 20, struct.pack("<II", 2**31, 2**31)), "it is cut short"
    yield "entry-elsewhere", edit(first + 42, struct.pack("<I", 7)), "where no entry begins"
    locator = good.index(b"PK\x06\x07")
    yield "zip64-elsewhere", edit(locator + 8, struct.pack("<Q", 2**63 + 5)), "byte 9223372036854775813"
    record = good.index(b"PK\x06\x06")
    yield "zip64-entries", edit(record + 32, struct.pack("<Q", 2**40)), "1099511627776 entries"
    yield "directory-damaged", edit(central, b"XX"), "damaged at byte"
    yield "no-entries", good[:4] + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0, 0, 0, 0, 0), "without entries"


def write_refused():
    phrases = {}
    for name, data, phrase in refused():
        (folder / "refused" / f"{name}.bin").write_bytes(data)
        phrases[f"{name}.bin"] = phrase
    provenance = {"script": "scripts/goldens/pickles.py", "torch": torch.__version__}
    (folder / "refused.json").write_text(json.dumps({"provenance": provenance, "files": phrases}, indent=1, ensure_ascii=False) + "\n")


def write_large():
    """Two tensors on either side of 4 GiB, so that directory offsets and sizes need zip64."""
    big = torch.zeros(2**32 + 4096, dtype=torch.uint8)
    big[0], big[-1] = 3, 7
    with tempfile.TemporaryDirectory() as place:
        path = pathlib.Path(place) / "large.bin"
        torch.save({"large": big, "after": torch.arange(5, dtype=torch.int16)}, path)
        size, blocks, block = path.stat().st_size, [], 1 << 16
        with open(path, "rb") as file:
            offset = 0
            while data := file.read(block):
                if data.strip(b"\0"):
                    kept = data.rstrip(b"\0")
                    lead = len(kept) - len(kept.lstrip(b"\0"))
                    blocks.append({"offset": offset + lead, "bytes": base64.b64encode(kept[lead:]).decode()})
                offset += len(data)
    provenance = {"script": "scripts/goldens/pickles.py --large", "torch": torch.__version__}
    (folder / "large.json").write_text(json.dumps({"provenance": provenance, "size": size, "blocks": blocks}, indent=1) + "\n")


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--large", action="store_true")
    o = a.parse_args()
    for part in ("sound", "refused"):
        shutil.rmtree(folder / part, ignore_errors=True)
        (folder / part).mkdir(parents=True)
    write_sound()
    write_refused()
    if o.large:
        write_large()


if __name__ == "__main__":
    main()
