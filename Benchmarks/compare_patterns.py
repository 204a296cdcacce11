"""Is one per-sample pattern equal to another, within the tolerance that scores are judged by?

    python compare_patterns.py MEASURED REFERENCE [--tolerance 1e-5] [--scores magnitude,signed,...]

MEASURED and REFERENCE are pattern files (.safetensors written by `headway pattern --per-sample`, or .npz written by
peers/reference_patterns.py). A signed sum over an attention matrix can cancel, so a difference counts relative to the
reference's saliency of the same sample, layer and head: |difference| <= tolerance * saliency. The reference should come from
full matrices in float64. Exit status 1 if any score of any sample is further off than that, or if samples are missing.
"""
import argparse, sys
import numpy as np

SCORES = ["magnitude", "signed", "token", "saliency"]


def read(path):
    """Name -> array, the samples in the order of their index where the file has one."""
    if path.endswith(".npz"):
        arrays = dict(np.load(path))
    else:
        from safetensors.numpy import load_file

        arrays = load_file(path)
    if "index" in arrays:
        order = np.argsort(arrays["index"], kind="stable")
        arrays = {k: v[order] if k.endswith(".samples") or k in ("loss", "index", "tokens") else v for k, v in arrays.items()}
    return arrays


def compare(measured, reference, tolerance=1e-5, scores=None, out=sys.stdout):
    """Prints one line a score and the worst samples; returns whether all is within the tolerance."""
    if "saliency.samples" not in reference:
        raise SystemExit("the reference has no saliency.samples, which differences are judged by: measure it with all four scores, per sample")
    saliency = reference["saliency.samples"].astype(np.float64)
    both = [s for s in scores or SCORES if f"{s}.samples" in measured and f"{s}.samples" in reference]
    if not both:
        raise SystemExit("the two files share no per-sample score: was --per-sample given?")
    good, worst_of_sample = True, np.zeros(len(saliency))
    kept = np.asarray(measured.get("index", np.arange(len(measured[f"{both[0]}.samples"]))))
    if kept.size == 0 or kept.max() >= len(saliency):
        raise SystemExit(f"the measured file has samples up to {kept.max() if kept.size else None}, the reference has {len(saliency)}")
    if len(kept) != len(saliency):
        print(f"samples: {len(kept)} measured, {len(saliency)} in the reference", file=out)
        good = False
    for score in both:
        difference = np.abs(measured[f"{score}.samples"].astype(np.float64) - reference[f"{score}.samples"].astype(np.float64)[kept])
        ratio = difference / np.maximum(saliency[kept], np.finfo(np.float64).tiny)
        ratio[difference == 0] = 0
        ratio = np.where(np.isfinite(ratio), ratio, np.inf)
        n, layer, head = np.unravel_index(ratio.argmax(), ratio.shape)
        over = int((ratio > tolerance).sum())
        mean = np.abs(measured[f"{score}.samples"].mean(0) - reference[f"{score}.samples"][kept].mean(0)) / saliency[kept].mean(0)
        print(f"{score:10} worst |difference|/saliency {ratio.max():.2e} at sample {kept[n]} layer {layer} head {head}, median {np.median(ratio):.1e}; "
              f"mean over samples {mean.max():.2e}; {over} of {ratio.size} beyond {tolerance:g}", file=out)
        worst_of_sample[kept] = np.maximum(worst_of_sample[kept], ratio.max((1, 2)))
        good &= over == 0
    if "loss" in measured and "loss" in reference:
        off = np.abs(measured["loss"] - reference["loss"][kept]) / np.abs(reference["loss"][kept])
        print(f"{'loss':10} worst relative difference {off.max():.2e} at sample {kept[off.argmax()]}", file=out)
    beyond = np.flatnonzero(worst_of_sample > tolerance)
    if len(beyond):
        listed = ", ".join(f"{i} ({worst_of_sample[i]:.1e})" for i in beyond[np.argsort(-worst_of_sample[beyond])][:12])
        print(f"samples beyond {tolerance:g}: {len(beyond)}: {listed}", file=out)
    print("equal within the tolerance" if good else "NOT equal within the tolerance", file=out)
    return good


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("measured"); a.add_argument("reference"); a.add_argument("--tolerance", type=float, default=1e-5)
    a.add_argument("--scores", type=lambda s: s.split(","))
    o = a.parse_args()
    sys.exit(0 if compare(read(o.measured), read(o.reference), o.tolerance, o.scores) else 1)


if __name__ == "__main__":
    main()
