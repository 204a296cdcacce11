"""What the evaluators' own rules read from awkward outputs, and how they sum up: Tests/EvaluationTests/Fixtures/rules.json.

    "$(scripts/python)" scripts/goldens/evaluation_rules.py [--problems MATH.jsonl --out FILE]

With a file of MATH, the LaTeX rules are also run on every solution of it and every answer against its neighbour's, for a check by hand of the whole
dataset (HEADWAY_MATH_RULES names the written file to the tests).
"""
import argparse, json, sys

import evaluation_questions as made
from evaluators import FOLDER, PROVENANCE, gsm8k, math, mathbench, mgsm, text_postprocessors

from lm_eval.api import metrics
from lm_eval.filters.extraction import RegexFilter
from lm_eval.tasks._yaml_loader import load_yaml

NUMBERS = [
    "The answer is 18.\n", "She makes $1,200 a day.", "#### 1,200", "#### $18", "####18", "#### -7\nQuestion: What is 3 + 4?\nAnswer: 9", "3-5 = -2",
    "It is 1.50 dollars", "between 10 and 20", "12%", "１２个", "１，２００", "no number here", "", "-", "...", "The answer is 4.0", "1/2", "2^10 = 1024",
    "the answer is 18th", "1 000 000", "$5", "5.", "−3", "1e3", "#### 12.50.", "#### 5\n#### 6", "answer: 007", "Answer: 1,234.", "答案：１２", "答案是 5，不是 6",
    "答案是：没有。共3个", "答案是 1/2", "答案是 3.5元", "答案是 1,234", "The answer is 0.25.", "The answer is -3 or 4", "我不知道", "一共有 12 个。", "Antwort: 7.", "答案: 8。答案: 9。",
]
NUMBER_KEYS = ["18", "1200", "-7", "5", "4", "12", "0.25", "1234", "1/2"]
LETTERS = [
    "B", " B", "B.", "(B)", "The answer is B.", "the answer is (C)", "The answer is: D", "Answer: A", "ANSWER : c", "答案是C", "答案：D", "答案是 甲", "故选B", "故选B只有C对", "选项B正确", "所以答案为A",
    "Because of gravity", "Apples", "None of them", "no letter", "", "A and B", "B) is wrong, C) is right", "It is \\boxed{D}. The correct answer is \\boxed{C}", "1. B", "1. second\n2. A",
    "I think\nC\nis right", "D:", "AB", "Ｂ", "答案应该是A。", "显然 D", "只有A正确", "B是正确的", "选 C", "因此A", "(A", "b", "Éclair B", "E", "The answer is E", "**C**", "The answer is **C**",
    "A B C D", "The correct answer is option: B", "answer is D", "so B is right and A is not", "选项D", "C选项", "Zebra", "问：A还是B？答：B。", "\u3000C", "答案是\nC",
]
LATEX = [
    "The answer is $\\boxed{\\frac{1}{2}}$.", "\\boxed{\\boxed{5}}", "\\boxed{5", "\\boxed 5", "\\fbox{7}", "\\boxed{{5}}", "\\boxed{}", "So $x = 5$. The final answer is $5$.", "Final Answer: The final answer is $\\frac12$. I hope it is correct.",
    "first sentence. second", "", "the answer is 1,000 dollars", "\\boxed{1,000}", "\\boxed{x = 3}", "\\boxed{3\\text{ cm}}", "\\boxed{\\text{cm}}", "\\boxed{90^\\circ}", "\\boxed{50\\%}", "\\boxed{.5}", "\\boxed{\\sqrt3}",
    "\\boxed{\\dfrac{3}{4}}", "\\boxed{3/4}", "\\boxed{a/b}", "\\boxed{\\left(1, 2\\right)}", "\\boxed{\\$5}", "\\boxed{1} then \\boxed{2}", "$3$ or $4$", "cost is \\$4", "$5$", "the answer is that\nit is $\\text{even}$.", "\\boxed{10\\mbox{ inches}}",
    "\\boxed{2.000}", "\\boxed{infinity}", "\\boxed{\\frac}", "\\boxed{\\frac1}", "\\boxed{3j}", "\\boxed{１２}", "The answer is 3.5 metres", "\\boxed{\\text{(B)}}", "x=\\boxed{-\\frac{2}{3}}", "\\boxed{a \\text{ and } b}", "\\boxed{\\$1,\\!000}",
]
LATEX_KEYS = ["\\frac{1}{2}", "5", "7", "1000", "3", "90", "50", "0.5", "\\sqrt{3}", "\\frac{3}{4}", "(1,2)", "2", "\\text{even}", "10", "\\infty", "3i", "12", "B", "-\\frac{2}{3}", "a,b", "\\frac ab", "\\text{cm}"]


def opencompass(find, agree):
    def rule(output, key):
        answer = find(output)
        return answer, bool(agree(answer, key))
    return rule


def harness(task, name, clean=str.strip):
    config = load_yaml(FOLDER / "lm_eval" / "tasks" / f"{task}.yaml")
    steps = next(f for f in config["filter_list"] if f["name"] == name)["filter"]
    settings = {k: v for k, v in config["metric_list"][0].items() if k not in ("metric", "aggregation", "higher_is_better")}

    def rule(output, key):
        step = steps[0]
        answer = output.strip() if step["function"] == "remove_whitespace" else RegexFilter(**{k: v for k, v in step.items() if k != "function"}).apply([[output]], [{}])[0][0]
        return answer, bool(metrics.exact_match_hf_evaluate(predictions=[answer], references=[key], **settings)["exact_match"])
    return rule


hendrycks = __import__("lm_eval.tasks.hendrycks_math.utils", fromlist=["*"])
equivalence = math.MATHEvaluator(version="v2")


def dollars(output, key):
    places = [i for i, c in enumerate(output) if c == "$"]
    answer = output if len(places) <= 1 else output[places[0] + 1 : places[-1]]
    right = hendrycks.process_results({"solution": "\\boxed{" + key + "}"}, [output])["exact_match"]
    return answer, bool(right)


same = lambda answer, key: answer == key
RULES = {
    "last-number": (opencompass(gsm8k.gsm8k_postprocess, gsm8k.Gsm8kEvaluator().is_equal), NUMBERS, NUMBER_KEYS),
    "strict-match": (harness("gsm8k/gsm8k", "strict-match"), NUMBERS, NUMBER_KEYS),
    "flexible-extract": (harness("gsm8k/gsm8k", "flexible-extract"), NUMBERS, NUMBER_KEYS),
    "mgsm/flexible-extract": (harness("mgsm/direct/mgsm_direct_zh", "flexible-extract"), NUMBERS, NUMBER_KEYS),
    "mgsm/remove_whitespace": (harness("mgsm/direct/mgsm_direct_zh", "remove_whitespace"), NUMBERS, NUMBER_KEYS),
    "mgsm/number-behind-answer zh": (opencompass(lambda o: mgsm.mgsm_postprocess(o, "zh"), same), NUMBERS, NUMBER_KEYS),
    "mgsm/number-behind-answer de": (opencompass(lambda o: mgsm.mgsm_postprocess(o, "de"), same), NUMBERS, NUMBER_KEYS),
    "number-behind-phrase zh": (opencompass(lambda o: mathbench.mathbench_postprocess(o, "cloze_cn"), same), NUMBERS, NUMBER_KEYS),
    "number-behind-phrase en": (opencompass(lambda o: mathbench.mathbench_postprocess(o, "cloze_en"), same), NUMBERS, NUMBER_KEYS),
    "first-option": (opencompass(lambda o: text_postprocessors.first_option_postprocess(o, options="ABCD"), same), LETTERS, list("ABCD")),
    "first-capital": (opencompass(text_postprocessors.first_capital_postprocess, same), LETTERS, list("ABCD")),
    "boxed-or-said": (opencompass(math.math_postprocess_v2, equivalence.is_equiv), LATEX, LATEX_KEYS),
    "between-dollars": (dollars, LATEX, LATEX_KEYS),
}


def form(function, text):
    try: return function(text)
    except Exception: return None


def forms(text):
    return {
        "text": text, "normalized": form(equivalence._strip_string_v2, text), "hendrycks": form(hendrycks.strip_string, text),
        "minerva": form(math.normalize_final_answer, text),
    }


def read(name, outputs, keys):
    rule = RULES[name][0]
    table = []
    for output in outputs:
        answers = {rule(output, key)[0] for key in keys}
        assert len(answers) == 1
        table.append({"output": output, "answer": answers.pop(), "right": [key for key in keys if rule(output, key)[1]]})
    return {"rule": name, "keys": keys, "table": table}


def sums():
    groups = [[1, 0, 0, 1, 1], [0, 0, 0, 1], [1, 1, 1]]
    errors = [metrics.mean_stderr(g) for g in groups]
    sizes = [len(g) for g in groups]
    orders = ["ABCD", "BCDA", "CDAB", "DABC"]
    predictions = ["A", "D", "C", "B", "B", "B", "B", "B", "C", "", "A", "D"]
    keys = ["A", "D", "C", "B", "B", "A", "D", "C", "C", "B", "A", "D"]
    circular = mathbench.MathBenchCircularEvaluator().score(
        predictions, [f"{i // 4}--{key}--{orders[i % 4]}" for i, key in enumerate(keys)],
        [{"question": "", "options": ["p", "q", "r", "s"]}] * len(keys))
    return {
        "groups": groups, "stderr": errors, "pooled": float(metrics.pooled_sample_stderr(errors, sizes)), "unweighted": float(metrics.unweighted_mean_stderr(errors)),
        "circular": {"predictions": predictions, "keys": keys, **{k: circular[k] / 100 for k in ("acc_1", "acc_4", "perf_4")}},
    }


parser = argparse.ArgumentParser()
parser.add_argument("--problems")
parser.add_argument("--out")
options = parser.parse_args()
if options.problems:
    problems = [json.loads(line) for line in open(options.problems, encoding="utf-8")]
    answers = [math.extract_boxed_answer(p["solution"]) for p in problems]
    read_from = [{"output": p["solution"], "answer": math.math_postprocess_v2(p["solution"]), "dollars": dollars(p["solution"], "1")[0]} for p in problems]
    neighbours = [{"first": a, "second": b, "opencompass": bool(equivalence.is_equiv(a, b)), "hendrycks": bool(hendrycks.is_equiv(a, b))} for a, b in zip(answers, answers[1:])]
    sentences = [forms(p["solution"].split(".")[0]) for p in problems]
    json.dump({"forms": [forms(a) for a in answers] + sentences, "read": read_from, "neighbours": neighbours}, open(options.out, "w"), ensure_ascii=False)
    sys.exit()

found = {"provenance": PROVENANCE, "rules": [read(name, outputs, keys) for name, (_, outputs, keys) in RULES.items()], "forms": [forms(t) for t in LATEX + LATEX_KEYS], "sums": sums()}
target = made.FIXTURES / "rules.json"
target.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
print(target, target.stat().st_size)
