"""What lm-evaluation-harness and OpenCompass ask about made-up questions: Tests/EvaluationTests/Fixtures/prompts.json.

    "$(scripts/python)" scripts/goldens/evaluation_prompts.py

Every case holds the files in their published form, the files of shots, and what the evaluator's own code makes of them, to the byte. Where
OpenCompass's configuration holds fixed shots, the made-up ones are put in their place, in the form of its turns.
"""
import csv, io, json

import evaluation_questions as made
from evaluators import PROVENANCE, Harness, OpenCompass


def jsonl(rows): return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def table(rows, header=None):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(([header] if header else []) + rows)
    return text.getvalue()


cases = []


def case(benchmark, variant, files, asked, shots=None, count=None):
    cases.append({"benchmark": benchmark, "variant": variant, "files": files, "shots": shots, "count": count, "asked": asked})


def options(prompts, golds): return [{"whole": texts, "right": gold} for texts, gold in zip(prompts, golds, strict=True)]
def texts(prompts, tokens, keys, stops=()): return [{"prompt": p, "tokens": tokens, "stops": list(stops), "key": k} for p, k in zip(prompts, keys, strict=True)]
def pairs(requests, golds): return [{"pairs": [list(r) for r in rs], "right": gold} for rs, gold in zip(requests, golds, strict=True)]


def writing(requests, keys):
    return [{"prompt": context, "tokens": kwargs.get("max_gen_toks", 256), "stops": kwargs["until"], "key": key} for (context, kwargs), key in zip(requests, keys, strict=True)]


def turns(*texts): return [dict(role=("HUMAN", "BOT")[i % 2], prompt=text) for i, text in enumerate(texts)]


# GSM8K
files, shots = {"test.jsonl": jsonl(made.gsm8k)}, {"train.jsonl": jsonl(made.gsm8k_shots)}
keys = [row["answer"].split("#### ")[1].replace(",", "") for row in made.gsm8k]
rounds = turns(*[
    text for row, (steps, number) in zip(made.gsm8k_shots, made.gsm8k_plain)
    for text in (f"Question: {row['question']}\nLet's think step by step\nAnswer:", f"{steps}\nThe answer is {number}\n")][:8])
case("gsm8k", "gen_1d7fe4", files, texts(OpenCompass("gsm8k/gsm8k_gen_1d7fe4").prompts(made.gsm8k, rounds=rounds), 512, keys, ["Question:"]), shots)
case("gsm8k", "lm-eval", files, writing(Harness("gsm8k/gsm8k", made.gsm8k, made.gsm8k_shots).requests(5), keys), shots)

# MATH
files, shots = {"test.jsonl": jsonl(made.math)}, {"train.jsonl": jsonl(made.math_shots)}
rounds = turns(*[
    text for row, answer in zip(made.math_shots, made.math_shot_answers)
    for text in (f"Problem:\n{row['problem']}\nSolution:", f"{row['solution']}\nFinal Answer: The final answer is ${answer}$. I hope it is correct.\n")])
case("math", "gen_265cce", files, texts(OpenCompass("math/math_gen_265cce").prompts(made.math, rounds=rounds), 512, made.math_answers), shots)
harness = Harness("hendrycks_math/hendrycks_math_algebra", made.math, made.math_shots)
case("math", "lm-eval", files, writing(harness.requests(0), made.math_answers))
case("math", "lm-eval", files, writing(harness.requests(2), made.math_answers), shots, 2)

# MMLU
files = {f"{s}_test.csv": table([r[:5] + [r[5]] for r in rows]) for s, rows in made.mmlu.items()}
shots = {f"{s}_dev.csv": table(rows) for s, rows in made.mmlu_shots.items()}
of = lambda rows: [dict(zip(("input", "A", "B", "C", "D", "target"), r)) for r in rows]
hub = lambda rows: [dict(question=r[0], choices=r[1:5], answer="ABCD".index(r[5])) for r in rows]
for config, label in (("ppl_ac766d", options), ("gen_4d595a", None)):
    prompts, golds = [], []
    for subject in sorted(made.mmlu):
        prompts += OpenCompass(f"mmlu/mmlu_{config}", subject).prompts(of(made.mmlu[subject]), of(made.mmlu_shots[subject]))
        golds += [r[5] for r in made.mmlu[subject]]
    case("mmlu", config, files, options(prompts, ["ABCD".index(g) for g in golds]) if label else texts(prompts, 1024, golds), shots)
for count in (5, 0):
    requests, golds = [], []
    for subject in sorted(made.mmlu):
        requests += Harness(f"mmlu/default/mmlu_{subject}", hub(made.mmlu[subject]), hub(made.mmlu_shots[subject])).requests(count)
        golds += ["ABCD".index(r[5]) for r in made.mmlu[subject]]
    case("mmlu", "lm-eval", files, pairs(requests, golds), shots, count)

# MathBench, and CMATH in the form of its cloze questions
for level, name in (("primary", "cloze_cn"), ("college", "cloze_en"), ("middle", "single_choice_cn"), ("high", "single_choice_en")):
    rows = made.mathbench[name]
    config = OpenCompass("MathBench/deprecated_mathbench_gen_7b734b", f"mathbench-{level}-{name}")
    if "cloze" in name:
        known = made.cloze_shots[name]
        said = ("A: 答案是 {}\n", "A: The answer is {}.\n")[name.endswith("_en")]
        rounds = turns(*[text for row in known for text in (f"Q: {row['question']}", said.format(row["answer"]))])
        asked = texts(config.prompts([dict(question=r["question"].strip(), answer=r["answer"].strip()) for r in rows], rounds=rounds), 512, [r["answer"].strip() for r in rows])
        case("mathbench", "gen_7b734b", {f"{level}/{name}.jsonl": jsonl(rows)}, asked, {f"{level}/{name}.jsonl": jsonl(known)})
        if name == "cloze_cn":
            grades = [dict(grade=1, question=r["question"], golden=r["answer"]) for r in rows]
            case("cmath", "gen_7b734b", {"cmath.jsonl": jsonl(grades)}, asked, {"dev.jsonl": jsonl([dict(grade=2, question=r["question"], golden=r["answer"]) for r in known])})
    else:
        from opencompass.datasets.mathbench import get_circular_example
        turned = [example for index, row in enumerate(rows) for example in get_circular_example(row, index)]
        case("mathbench", "gen_7b734b", {f"{level}/{name}.jsonl": jsonl(rows)}, texts(config.prompts(turned), 512, [t["answer"].split("--")[1] for t in turned]))

# HellaSwag. OpenCompass's file holds what lm-evaluation-harness makes of the published one.
files = {"hellaswag_val.jsonl": jsonl(made.hellaswag)}
golds = [r["label"] for r in made.hellaswag]
harness = Harness("hellaswag/hellaswag", made.hellaswag, made.hellaswag)
docs = list(harness.task.eval_docs)
rows = [dict(query=d["query"], ctx=d["query"].split(": ", 2)[-1], label=d["gold"], gold=d["gold"], **dict(zip("ABCD", d["choices"]))) for d in docs]
for config in ("ppl_47bff9", "ppl_a6e128"):
    case("hellaswag", config, files, options(OpenCompass(f"hellaswag/hellaswag_{config}").prompts(rows), golds))
case("hellaswag", "lm-eval", files, pairs(harness.requests(0), golds))
lines = "".join("\n".join([f"{r['activity_label']}: {r['ctx']}", str(r["label"]), *r["endings"]]) + "\n" for r in made.hellaswag_lines)
rows = [dict(query=f"{r['activity_label']}: {r['ctx']}", **dict(zip("ABCD", r["endings"]))) for r in made.hellaswag_lines]
for row in rows: row.update(ctx=row["query"].split(": ", 2)[-1], label=0, gold=0)
case("hellaswag", "ppl_47bff9", {"val.txt": lines}, options(OpenCompass("hellaswag/hellaswag_ppl_47bff9").prompts(rows), [r["label"] for r in made.hellaswag_lines]))

# Winogrande
files = {"dev.jsonl": jsonl(made.winogrande)}
golds = [int(r["answer"]) - 1 for r in made.winogrande]
rows = [dict(opt1=r["sentence"].replace("_", r["option1"]), opt2=r["sentence"].replace("_", r["option2"]), answer=r["answer"]) for r in made.winogrande]
conts = [r["sentence"].split("_")[1] for r in made.winogrande]
prompts = OpenCompass("winogrande/winogrande_ll_c5cf57").prompts(rows)
case("winogrande", "ll_c5cf57", files, [{"pairs": [[p.replace(c, ""), c] for p in ps], "right": g} for ps, c, g in zip(prompts, conts, golds)])
harness = Harness("winogrande/default", made.winogrande, made.winogrande)
case("winogrande", "lm-eval", files, pairs(harness.requests(0), golds))
case("winogrande", "lm-eval", files, pairs(Harness("winogrande/default", made.winogrande, made.winogrande_shots).requests(2), golds), {"train.jsonl": jsonl(made.winogrande_shots)}, 2)

# ARC
files = {"ARC-Challenge-Test.jsonl": jsonl(made.arc)}
four = [r for r in made.arc if len(r["question"]["choices"]) == 4]
gold = lambda r: [c["label"] for c in r["question"]["choices"]].index(r["answerKey"])
rows = [dict(question=r["question"]["stem"], answerKey="ABCD"[gold(r)], **{f"text{l}": c["text"] for l, c in zip("ABCD", r["question"]["choices"])}) for r in four]
for config in ("ppl_a450bd", "ppl_2ef631"):
    case("arc", config, files, options(OpenCompass(f"ARC_c/ARC_c_{config}").prompts(rows), [gold(r) for r in four]))
hub = lambda rows: [dict(question=r["question"]["stem"], answerKey=r["answerKey"], choices={k: [c[k] for c in r["question"]["choices"]] for k in ("text", "label")}) for r in rows]
case("arc", "lm-eval", files, pairs(Harness("arc/arc_challenge", hub(made.arc)).requests(0), [gold(r) for r in made.arc]))
case("arc", "lm-eval", files, pairs(Harness("arc/arc_challenge", hub(made.arc), hub(made.arc_shots)).requests(2), [gold(r) for r in made.arc]), {"train.jsonl": jsonl(made.arc_shots)}, 2)

# MGSM
for language, rows in made.mgsm.items():
    files = {"mgsm.jsonl": jsonl([dict(dataset=f"mgsm-{language}", id=str(i), messages=[dict(role="user", content=q), dict(role="assistant", content="")], answer=a) for i, (q, a) in enumerate(rows)])}
    keys = [a for _, a in rows]
    prompts = OpenCompass("mgsm/mgsm_gen_d967bc", f"mgsm_{language}").prompts([dict(question=q, answer=a) for q, a in rows])
    case("mgsm", "gen_d967bc", files, texts(prompts, 512, keys))
    hub = [dict(question=q, answer=None, answer_number=int(a), equation_solution=None) for q, a in rows]
    case("mgsm", "lm-eval", files, writing(Harness(f"mgsm/direct/mgsm_direct_{language}", hub).requests(0), keys))

# C-Eval and CMMLU
for name, configs, questions, known, header, split in (
    ("ceval", ("ppl_578f8d", "ppl_1cd8bf", "gen_5f30c7"), made.ceval, made.ceval_shots, ["id", "question", "A", "B", "C", "D", "answer"], "_val"),
    ("cmmlu", ("ppl_8b9c76", "ppl_041cbf", "gen_c13365"), made.cmmlu, made.cmmlu_shots, ["", "Question", "A", "B", "C", "D", "Answer"], ""),
):
    numbered = lambda rows: table([[str(i), *r] for i, r in enumerate(rows)], header)
    files = {f"{s}{split}.csv": numbered(rows) for s, rows in questions.items()}
    shots = {f"{s}{split and '_dev'}.csv": numbered(rows) for s, rows in known.items()}
    of = lambda rows: [dict(zip(("question", "A", "B", "C", "D", "answer"), r)) for r in rows]
    for config in configs:
        prompts, golds = [], []
        for subject in sorted(questions):
            prompts += OpenCompass(f"{name}/{name}_{config}", subject).prompts(of(questions[subject]), of(known[subject]))
            golds += [r[5] for r in questions[subject]]
        case(name, config, files, options(prompts, ["ABCD".index(g) for g in golds]) if config.startswith("ppl") else texts(prompts, 1024, golds), shots)
    hub = lambda rows: [dict(zip(header[1:], r)) for r in rows]
    for count in (0, 2):
        requests, golds = [], []
        for subject in sorted(questions):
            task = f"ceval/ceval-valid_{subject}" if name == "ceval" else f"cmmlu/cmmlu_{subject}"
            requests += Harness(task, hub(questions[subject]), hub(known[subject])).requests(count)
            golds += ["ABCD".index(r[5]) for r in questions[subject]]
        case(name, "lm-eval", files, pairs(requests, golds), shots if count else None, count)

TARGET = made.FIXTURES / "prompts.json"
TARGET.write_text(json.dumps({"provenance": PROVENANCE, "cases": cases}, ensure_ascii=False, indent=1) + "\n")
print(f"{TARGET}: {len(cases)} cases")
