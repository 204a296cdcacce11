"""Makes the event file that Headway's TensorBoard writer is held against, and reads Headway's own files back.

    "$(scripts/python)" scripts/goldens/tensorboard_events.py             writes Tests/FineTuningTests/Fixtures/tensorboard
    "$(scripts/python)" scripts/goldens/tensorboard_events.py --read FOLDER [--steps N]

Writing: PyTorch's SummaryWriter, which is TensorBoard's own EventFileWriter, makes a run and its resumption at step 3 (purge_step).
Its events then go through TensorBoard's RecordWriter once more, with even times (half a second apart), without the field
`source_metadata`, which names the program that wrote them, and without the second, redundant event that gives the file's version.
The fixture is those two files and events.json: what TensorBoard's EventAccumulator reads from both, {"provenance", "files", "scalars":
{tag: [[step, value], ...]}}, where steps 3 and after of the first file are gone.

Reading: prints as JSON what EventAccumulator makes of a folder of event files: for each curve, its points. With --steps N it is an
error if a curve does not hold exactly the steps 1…N, or fewer of them in the same order (curves that are not recorded at every step).
"""
import argparse, json, pathlib, sys, tempfile

root = pathlib.Path(__file__).resolve().parents[2]
CURVES = {"loss": [4.25, 3.5, 3.75, 0.0, 2.0], "learning rate/größte": [0.0, 1e-6, -0.0, float("inf"), float("-inf")]}


def read(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    return {tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def write(out):
    import tensorboard, torch
    from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter
    from torch.utils.tensorboard import SummaryWriter

    out.mkdir(parents=True, exist_ok=True)
    names = []
    with tempfile.TemporaryDirectory() as temporary:
        for part, (first, last, purge) in enumerate([(0, 4, None), (3, 5, 3)]):
            folder = pathlib.Path(temporary) / str(part)
            writer = SummaryWriter(folder, purge_step=purge)
            for step in range(first, last):
                for tag, values in CURVES.items():
                    writer.add_scalar(tag, values[step], step)
            writer.close()
            [file] = folder.iterdir()
            name = f"events.out.tfevents.{1700000000 + part}.host.42.0"
            names.append(name)
            with open(out / name, "wb") as sink:
                records, kept = RecordWriter(sink), 0
                for record in RawEventFileLoader(str(file)).Load():
                    event = Event.FromString(record)
                    if event.HasField("source_metadata"):
                        event.ClearField("source_metadata")
                    elif event.HasField("file_version"):
                        continue
                    event.wall_time = 1700000000.25 + 100 * part + 0.5 * kept
                    kept += 1
                    records.write(event.SerializeToString())
            (out / name).chmod(0o644)
    provenance = {"script": "scripts/goldens/tensorboard_events.py", "tensorboard": tensorboard.__version__, "torch": torch.__version__}
    # Infinities as text: JSON has none.
    scalars = {tag: [[s, repr(v)] for s, v in points] for tag, points in read(out).items()}
    (out / "events.json").write_text(json.dumps({"provenance": provenance, "files": names, "scalars": scalars}, indent=1, ensure_ascii=False) + "\n")
    assert {tag: [s for s, _ in points] for tag, points in scalars.items()} == {tag: list(range(5)) for tag in CURVES}
    print(f"{out}: {sum(f.stat().st_size for f in out.iterdir())} bytes")


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--read", type=pathlib.Path)
    a.add_argument("--steps", type=int)
    a.add_argument("--out", type=pathlib.Path, default=root / "Tests" / "FineTuningTests" / "Fixtures" / "tensorboard")
    o = a.parse_args()
    if not o.read:
        return write(o.out)
    curves = read(o.read)
    print(json.dumps(curves))
    for tag, points in curves.items():
        steps = [s for s, _ in points]
        if o.steps and (steps != sorted(set(steps)) or steps[-1] > o.steps or (tag == "loss" and steps != list(range(1, o.steps + 1)))):
            sys.exit(f"the curve {tag} holds the steps {steps}, not 1…{o.steps} once each")


if __name__ == "__main__":
    main()
