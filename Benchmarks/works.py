"""What is measured: the works of every part, at the sizes of `make bench` and of `make bench-all`."""
import dataclasses, os, shutil, sys

import agreements
from inputs import SUBJECTS, cache, few_words, model_folder, peers, prompt_file, question_folder, root, weight_bytes
from measuring import Method, Work, cores_of_this_machine

PARTS = {"patterns": "patterns beside careful, compiled and published PyTorch", "one-thread": "the same on one thread", "lengths": "samples of 2, 4 and 8 thousand tokens",
         "large": "a model of 16 GB, mapped (--all)", "fine-tuning": "full fine-tuning", "ablation": "every head switched off", "start-up": "a command without a model",
         "generation": "greedy text beside transformers' (--all)", "evaluation": "choices beside lm-evaluation-harness (--all)"}
GIB = 2**30


def peer(script, *more, out=True):
    def command(job):
        files = [job.model, job.data] + ([job.out] if out else [])
        return [sys.executable, peers / script, *files, "--threads", job.threads, *more]

    return command


def headway(name, *more, out=True):
    def command(job):
        return [job.options.headway, name, job.model, "--data", job.data, *(["--out", job.out] if out else []), "--threads", job.threads, "--json", "--quiet", *more, *job.options.headway_options]

    return command


def limits(o, *more, samples=8):
    """The bare products: the best of the library's rates, a process a core, and as libtorch takes them on all threads. They depend little on the number of samples, and nothing but the products
    can disturb them: `make bench` measures them once."""
    cores = len(cores_of_this_machine())
    return [Method("limit", f"**limit: bare products, weights laid out once, a process a core** ({cores})", peer("matmul_limit.py", "--weights", "best", "--processes", cores, *more, out=False), samples=None if o.all else samples, once=not o.all),
            Method("old-limit", "bare products, plain, on all threads", peer("matmul_limit.py", *more, out=False), samples=None if o.all else samples, once=not o.all)]


def wide_limit(o, *more, weights="best"):
    """Where a processor multiplies float32 faster than bfloat16, that is the best library rate. Float32 copies laid out both ways take twelve bytes a parameter."""
    cores = len(cores_of_this_machine())
    return Method("wide-limit", "the limit's products in float32", peer("matmul_limit.py", "--weights", weights, "--processes", cores, "--dtype", "float32", *more, out=False), samples=None if o.all else 8, once=not o.all)


AGAINST = {"careful": "× careful", "compiled": "× compiled", "lens": "× TransformerLens", "pinned": "× pinned processes", "headway": "× Headway", "limit": "share of limit", "wide-limit": "of float32's", "old-limit": "of the plain one"}


def pattern_works(o):
    # shape, type, samples of make bench and make bench-all, whether make bench has it, samples held against float32
    rows = [("smollm2-135m", "bfloat16", 48, 64, True, 4), ("bench-100m", "bfloat16", 48, 64, True, 4), ("llama3.2-1b", "bfloat16", 32, 32, True, 2),
            ("base-8m", "float32", 64, 256, True, 8), ("smollm2-135m", "float32", 12, 64, True, 4), ("bench-100m", "float32", 16, 64, False, 4)]
    for shape, dtype, few, many, quick, exact in chosen(o, rows, {"bfloat16": (16, 64, True, 4), "float32": (16, 64, True, 4)}):
        if not (quick or o.all or o.models or o.dtypes):
            continue
        ours = lambda *more, dtype=dtype: headway("pattern", "--per-sample", "--dtype", dtype, *more)
        large, rival = shape.startswith("llama3"), peer("fast_patterns.py", "--dtype", dtype)
        # In bfloat16 it is slow where the processor is, and no goal: --all.
        lens = shape in ("base-8m", "smollm2-135m") and (dtype == "float32" or o.all or "lens" in (o.methods or []))
        # A large model's batches are halved, so that two processes find one each in a few samples.
        methods = [Method("headway", "**Headway**", ours(), ending="safetensors"), *limits(o, "--dtype", dtype, *(["--batch-tokens", 512] if large and not o.all else []), samples=4 if large else 8)]
        if not large:
            if dtype == "bfloat16" or o.all or not lens:
                methods = [Method("careful", "careful PyTorch", rival), Method("compiled", "careful PyTorch, compiled", peer("fast_patterns.py", "--compile", "--dtype", dtype))][not o.all :] + methods
            methods.append(Method("pinned", f"Headway, processes of one thread, a core each ({len(cores_of_this_machine())})", ours(), pinned=len(cores_of_this_machine()), ending="safetensors"))
            if dtype == "bfloat16":
                methods += [Method("headway-saliency", "**Headway**, saliency besides", ours("--score", "magnitude,saliency"), ending="safetensors"), wide_limit(o)]
            if dtype == "float32" and not o.all:
                methods.pop()
        else:
            methods = ([Method("careful", "careful PyTorch", rival, once=True)] if o.all else []) + methods + [wide_limit(o, *(["--batch-tokens", 512] if not o.all else []), weights="plain")]
            if not o.all:
                methods = [m if m.key == "headway" else dataclasses.replace(m, samples=4) for m in methods if m.key != "old-limit"]
        if lens:
            methods.insert(0, Method("lens", "TransformerLens, hook_z times its gradient", peer("lens_patterns.py", "--dtype", dtype)))
        if o.all and not large and dtype == "bfloat16":
            methods = [Method("authors", "authors' method, padded to 1024", peer("reference_patterns.py", "--pad-to", 1024), samples=4, once=True),
                       Method("unpadded", "the same, unpadded", peer("reference_patterns.py", "--pad-to", 0), samples=16, once=True)] + methods

        def agreement(found, dtype=dtype, exact=exact, lens=lens, large=large):
            checks = []
            if {"careful", "compiled"} & found.runs.keys():
                checks.append(agreements.careful_levels(found, lambda *more: peer("fast_patterns.py", *more), dtype, exact))
            elif large:
                checks.append(agreements.few_levels(found, peer("fast_patterns.py", "--dtype", "float32"), headway("pattern", "--per-sample", "--dtype", "float32"), exact))
            if lens and "lens" in found.runs:
                checks.append(agreements.lens_levels(found, peer("lens_patterns.py", "--dtype", "float32"), lambda *more: headway("pattern", "--per-sample", "--dtype", "float32", *more), exact))
            return checks

        yield Work(f"patterns-{shape}-{dtype}", "patterns", (shape, dtype), methods, AGAINST, lambda shape=shape: model_folder(shape),
                   lambda model, count=o.samples or (many if o.all else few): prompt_file(model, count), agreement=agreement, unless=lambda shape=shape: too_large(shape))


def one_thread_works(o):
    for shape, dtype, few, many in chosen(o, [("smollm2-135m", "bfloat16", 16, 64), ("bench-100m", "bfloat16", 16, 64)], {"bfloat16": (16, 64), "float32": (16, 64)}):
        methods = [Method("headway", "**Headway**", headway("pattern", "--per-sample", "--dtype", dtype), ending="safetensors"),
                   Method("limit", "**limit: bare products, weights laid out once**", peer("matmul_limit.py", "--weights", "best", "--processes", 1, "--dtype", dtype, out=False), samples=None if o.all else 4, once=not o.all)]
        if o.all:
            methods.append(Method("old-limit", "bare products, plain", peer("matmul_limit.py", "--dtype", dtype, out=False)))
            methods.insert(0, Method("compiled", "careful PyTorch, compiled", peer("fast_patterns.py", "--compile", "--dtype", dtype)))
        yield Work(f"one-thread-{shape}-{dtype}", "one-thread", (shape, dtype), methods, AGAINST, lambda shape=shape: model_folder(shape),
                   lambda model, count=o.samples or (many if o.all else few): prompt_file(model, count), threads=1)


def length_works(o):
    for shape, dtype in chosen(o, [("bench-30m", "bfloat16")] + [("bench-100m", "bfloat16")] * o.all, {"bfloat16": (), "float32": ()}):
        for tokens, few, many in ((2048, 2, 8), (4096, 1, 4), (8192, 1, 2)):
            methods = [Method("careful", "careful PyTorch", peer("fast_patterns.py", "--dtype", dtype, "--max-length", tokens)),
                       Method("headway", "**Headway**", headway("pattern", "--per-sample", "--dtype", dtype, "--max-length", tokens), ending="safetensors")]
            yield Work(f"lengths-{shape}-{dtype}-{tokens}", "lengths", (shape, dtype, f"{tokens:,}"), methods, AGAINST, lambda shape=shape: model_folder(shape),
                       lambda model, count=o.samples or (many if o.all else few), tokens=tokens: prompt_file(model, count, tokens),
                       agreement=lambda found, dtype=dtype: [agreements.careful_levels(found, None, dtype, 0)])


def large_works(o):
    if not (o.all or "large" in (o.only or [])):
        return
    for shape, dtype in chosen(o, [("llama3-8b", "bfloat16")], {"bfloat16": ()}):
        # The limit's batches are short enough for two processes to find one each in four samples; Headway's own are no longer, since 1 GiB of activations holds a sample or two.
        cores = len(cores_of_this_machine())
        methods = [Method("headway", "**Headway**, `--memory auto`", headway("pattern", "--per-sample", "--dtype", dtype, "--memory", "auto"), ending="safetensors"),
                   Method("limit", f"**limit: bare products on mapped weights, a process a core** ({cores})", peer("matmul_limit.py", "--processes", cores, "--batch-tokens", 512, "--dtype", dtype, out=False)),
                   Method("old-limit", "the same on all threads", peer("matmul_limit.py", "--dtype", dtype, out=False))]
        yield Work(f"large-{shape}-{dtype}", "large", (shape, dtype), methods, AGAINST, lambda shape=shape: model_folder(shape), lambda model: prompt_file(model, o.samples or 8),
                   unless=lambda shape=shape: too_large(shape, mapped=True))


def too_large(shape, mapped=False):
    """Why a shape cannot be measured here: its weights have to be made, kept, and held in memory, three times where they are laid out."""
    size = {"llama3-8b": 16, "llama2-7b": 13.5, "llama3.2-1b": 2.5, "gemma-2b": 5, "gemma-7b": 17, "opt-6.7b": 13.5}.get(shape, 0.3)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    needed = size * (1.1 if mapped else 3.2)
    if memory < needed:
        return f"{shape} needs {needed:.0f} GiB of memory here, and this machine has {memory:.0f}."
    folder = cache()
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free / GIB
    if free < size * 1.2 and not any(folder.glob(f"{shape}-*/config.json")):
        return f"{shape} needs {size * 1.2:.0f} GiB in {folder}, which has {free:.0f}."
    return None


def fine_tuning_works(o):
    """Nobody's first step is timed; with 16 samples a step, five see each of 64 samples once and one window twice. `make bench` takes two steps of 8 samples."""
    steps, accumulate = (5, 4) if o.all else (2, 2)
    rows = [("smollm2-135m", "bfloat16", True), ("bench-100m", "bfloat16", True), ("smollm2-135m", "float32", False), ("bench-100m", "float32", False)]
    for shape, dtype, quick in chosen(o, rows, {"bfloat16": (True,), "float32": (True,)}):
        if not (quick or o.all or o.models or o.dtypes):
            continue
        precision = "masters" if dtype == "bfloat16" else "float32"
        rival = lambda *more, precision=precision: peer("fast_sft.py", "--steps", steps, "--accumulate", accumulate, "--precision", precision, *more, out=False)
        # Samples are packed to as many tokens as the rival's.
        ours = headway("sft", "--steps", steps, "--batch-size", 4, "--accumulate", accumulate, "--lr", "1e-6", "--schedule", "constant", "--warmup-ratio", 0, "--no-shuffle", "--pack-tokens", 2048, "--dtype", dtype)
        methods = [Method("careful", "careful PyTorch", rival()), Method("compiled", "careful PyTorch, compiled", rival("--compile"))][not o.all :]
        methods += [Method("headway", "**Headway**", ours, ending="out"), *limits(o, "--training", "--dtype", dtype, samples=16)]
        if dtype == "bfloat16":
            methods.append(wide_limit(o, "--training"))
            if o.all:
                methods.insert(0, Method("autocast", "PyTorch with autocast, padded", peer("fast_sft.py", "--steps", steps, "--precision", "autocast", "--layout", "padded", "--fused-from", 1, "--fresh-memory", out=False)))
        yield Work(f"fine-tuning-{shape}-{dtype}", "fine-tuning", (shape, dtype), methods, AGAINST, lambda shape=shape: model_folder(shape), lambda model: prompt_file(model, o.samples or 64),
                   agreement=lambda found, dtype=dtype: [agreements.losses(found, peer("fast_sft.py", "--precision", "float32", "--steps", 1, out=False) if o.all else None, dtype)])


def ablation_works(o):
    for shape, dtype in chosen(o, [("base-8m", "float32")], {"float32": ()}):
        methods = [Method("careful", "careful PyTorch, eight heads a batch", peer("head_ablation.py", out=False), rate=lambda s, wall, job: s["heads"] * s["samples"] / s["seconds"]),
                   Method("headway", "**Headway**, with starting", headway("ablate", "--all", "--dtype", dtype, "--bootstrap", 100, out=False), rate=lambda s, wall, job: len(s["items"]) * s["samples"] / wall)]
        yield Work(f"ablation-{shape}-{dtype}", "ablation", (shape, dtype), methods, AGAINST, lambda shape=shape: model_folder(shape), lambda model: prompt_file(model, o.samples or (32 if o.all else 4)),
                   agreement=lambda found: [agreements.changes(found)])


def startup_works(o):
    if not wanted(o, "any", "any"):
        return
    again = lambda job: [sys.executable, "-c", STARTS, job.options.headway, "--version"]
    read = lambda key: lambda summary, wall, job: summary[key]
    yield Work("start-up", "start-up", ("`headway --version`",), [Method("headway", "**Headway**, median of 15 starts", again, rate=read("median"))], {}, seconds=True)


# A process of its own, so that what it starts is small.
STARTS = """
import json, statistics, subprocess, sys, time
seconds = []
for _ in range(15):
    started = time.perf_counter()
    subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
    seconds.append(time.perf_counter() - started)
print(json.dumps({"median": statistics.median(seconds), "least": min(seconds), "tokens": 0}))
"""


def generation_works(o):
    if not (o.all or "generation" in (o.only or [])):
        return
    new = 64
    for shape, dtype in chosen(o, [(s, d) for s in ("smollm2-135m", "bench-100m") for d in ("bfloat16", "float32")], {"bfloat16": (), "float32": ()}):
        for batch, count in ((1, 2), (8, 16), (32, 32)):
            def ours(dtype, batch, tokens, *more):
                return lambda job: [job.options.headway, "generate", job.model, "--prompts", job.data, "--batch-size", batch, "--max-tokens", tokens, "--dtype", dtype, "--threads", job.threads, "--json", "--quiet", *more]

            rival = lambda dtype, batch, tokens, *more: peer("fast_generation.py", "--batch-size", batch, "--max-tokens", tokens, "--dtype", dtype, *more, out=False)
            methods = [Method("transformers", "transformers' `generate`", rival(dtype, batch, new)), Method("headway", "**Headway**", ours(dtype, batch, new))]
            if batch == 1:
                width = 2 if dtype == "bfloat16" else 4
                methods.append(Method("limit", "reading the weights once a token", lambda job: [sys.executable, peers / "memory_bandwidth.py", "--threads", job.threads],
                                      rate=lambda s, wall, job, width=width: s["gigabytes_per_second"] * 1e9 / weight_bytes(job.model, width)))
            yield Work(f"generation-{shape}-{dtype}-{batch}", "generation", (shape, dtype, str(batch)), methods, {"transformers": "× transformers", "limit": "share of memory bandwidth"},
                       lambda shape=shape: model_folder(shape), lambda model, batch=batch, count=count: few_words(model, count) if batch == 1 else prompt_file(model, count),
                       agreement=lambda found, rival=rival, ours=ours, batch=batch: [agreements.texts(found, rival("float32", 8, 32, "--ids"), ours("float32", 8, 32))] if batch == 8 else [])


def evaluation_works(o):
    """One script asks both, and fails where a log-likelihood differs by more than 1e-4 of its size."""
    if not (o.all or "evaluation" in (o.only or [])):
        return
    for shape, _ in chosen(o, [("bench-100m", "float32")], {"float32": ()}):
        for name, title in (("mmlu", "MMLU's form, 5 shots"), ("hellaswag", "HellaSwag's form")):
            limit = o.questions // SUBJECTS if name == "mmlu" else o.questions
            asked = lambda job, name=name, limit=limit: [sys.executable, root / "scripts" / "checks" / "lm_eval_agrees.py", job.model, "--data", job.data, "--only", name, "--limit", limit,
                                                         "--headway", job.options.headway, "--threads", job.threads, "--json"]
            rate = lambda who: lambda s, wall, job: s["questions"] / s[f"{who}_seconds"]

            def agreement(found):
                agreements.need(found, "harness")
                worst = max(run["summary"]["relative_difference"] for run in found.runs["harness"])
                return [agreements.Agreement(("harness",), worst <= 1e-4, f"greatest relative difference of a log-likelihood {worst:.1e}.")]

            yield Work(f"evaluation-{shape}-{name}", "evaluation", (shape, "float32", title), [Method("harness", "lm-evaluation-harness", asked, rate=rate("lm_eval")),
                       Method("headway", "**Headway**, with starting", None, within="harness", rate=rate("headway"))], {"harness": "× the harness"}, lambda shape=shape: model_folder(shape),
                       lambda model: question_folder(model, o.questions), agreement=agreement)


def wanted(o, shape, dtype):
    return (not o.models or shape in o.models) and (not o.dtypes or dtype in o.dtypes)


def chosen(o, rows, otherwise):
    """The rows of the shapes and types that were asked for, and a row for what was asked for and has none, with `otherwise` as the rest."""
    result = [row for row in rows if wanted(o, row[0], row[1])]
    for shape in o.models or []:
        has = {dtype for s, dtype, *_ in rows if s == shape}
        asked = o.dtypes or ([] if has else list(otherwise)[:1])
        result += [(shape, dtype, *otherwise[dtype]) for dtype in asked if dtype in otherwise and dtype not in has]
    return result


MAKERS = {"patterns": pattern_works, "one-thread": one_thread_works, "lengths": length_works, "large": large_works, "fine-tuning": fine_tuning_works, "ablation": ablation_works,
          "start-up": startup_works, "generation": generation_works, "evaluation": evaluation_works}
HEADINGS = {"lengths": ["tokens a sample"], "generation": ["texts at once"], "evaluation": ["questions"]}
UNITS = {"ablation": "heads × samples/s", "start-up": "seconds", "evaluation": "questions/s"}


def works(o):
    """The works of the parts that were asked for, with the methods that were asked for."""
    result = []
    for part in o.only or PARTS:
        for work in MAKERS[part](o):
            methods = [m for m in work.methods if not o.methods or m.key in o.methods]
            rivals = [{m.key for m in of if not m.key.startswith(("headway", "pinned")) and "limit" not in m.key} for of in (work.methods, methods)]
            if methods:  # where no rival is asked for, there is nobody to agree with
                result.append(dataclasses.replace(work, methods=methods, agreement=work.agreement if rivals[0] == rivals[1] or rivals[1] else None))
    return result
