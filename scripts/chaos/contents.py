"""What a run left, in a form in which two runs can be held against each other."""
import json

# What tells time or memory.
MEASURED = {"tokens_per_second", "seconds", "peak_rss_mib", "anonymous_rss_mib"}


def without_measured(value):
    if isinstance(value, dict):
        return {k: without_measured(v) for k, v in value.items() if k not in MEASURED and not k.endswith("_seconds")}
    return [without_measured(v) for v in value] if isinstance(value, list) else value


def record(lines):
    """A run record without what tells of the process that ended the run: a resumed one may have had nothing left for libtorch to do, and then names none."""
    kept, is_left_out = [], False
    for line in lines:
        if not line.startswith(" "):
            is_left_out = line == "versions:" or line.split(":")[0] in MEASURED
        if not is_left_out:
            kept.append(line)
    return kept


def comparable(path):
    """A file's bytes; where it tells time, memory or the process, what is left without that."""
    data = path.read_bytes()
    if path.name.endswith("run.yaml"):
        return record(data.decode().splitlines())
    if path.suffix in (".json", ".jsonl"):
        try:
            values = [json.loads(line) for line in (data.splitlines() if path.suffix == ".jsonl" else [data])]
        except ValueError:
            return data
        kept = without_measured(values)
        if path.name == "result.json" and isinstance(kept[0], dict):
            # A step of a study that was gone on with tells the tokens of its last part.
            kept[0].pop("tokens", None)
        return data if kept == values else kept
    return data


def contents(folder):
    """{path: what is compared of it}. Event files of TensorBoard are left out: each resume begins one, and their names tell the time."""
    return {str(p.relative_to(folder)): comparable(p) for p in sorted(folder.rglob("*")) if p.is_file() and "tfevents" not in p.name}


def differences(expected, folder):
    """What a finished run left that the undisturbed one did not, or otherwise."""
    found = contents(folder)
    result = [f"{name} is {'missing' if name in expected else 'too much'}" for name in sorted(set(expected) ^ set(found))]
    for name in sorted(set(expected) & set(found)):
        if (a := expected[name]) != (b := found[name]):
            # Of bytes, lists of lines and lists of records alike.
            first = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
            result.append(f"{name} differs from {'byte' if isinstance(a, bytes) and isinstance(b, bytes) else 'entry'} {first} on")
    return result + [f"{name} is left over" for name in sorted(hidden(folder))]


def hidden(folder):
    """What may be there only while a run writes: half-written files and folders, and locks."""
    return [str(p.relative_to(folder)) for p in folder.rglob("*") if p.name.startswith(".") or p.name.endswith(".part")]
