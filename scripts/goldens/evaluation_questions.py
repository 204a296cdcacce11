"""Questions made up for the fixtures of Tests/EvaluationTests, in the fields of the published datasets, with the traps that these have: white space at
ends, quotes and commas, marks in brackets, several colons, blanks at the end of a sentence, numbered labels, three and five options."""
import pathlib

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "EvaluationTests" / "Fixtures"

gsm8k = [
    dict(question="A shelf holds 12 boxes of 100 pencils.  How many pencils are that?", answer="12 boxes of 100 are 12*100=<<12*100=1200>>1200 pencils.\n#### 1,200"),
    dict(question="It is 3° colder than -2°. What is the temperature?", answer="-2-3=<<-2-3=-5>>-5\n#### -5"),
]
gsm8k_shots = [
    dict(question=f"Mia has {a} nuts and finds {b} more, each worth ${c}. What are they worth?",
         answer=f"She has {a} + {b} = <<{a}+{b}={a+b}>>{a+b} nuts.\nThey are worth {a+b} * {c} = $<<{a+b}*{c}={(a+b)*c}>>{(a+b)*c}.\n#### {(a+b)*c:,}")
    for a, b, c in ((3, 4, 2), (10, 5, 3), (200, 300, 4), (7, 7, 1), (8, 2, 6))
]
gsm8k_plain = [
    (f"She has {a} + {b} = {a+b} nuts.\nThey are worth {a+b} * {c} = ${(a+b)*c}.", (a + b) * c)
    for a, b, c in ((3, 4, 2), (10, 5, 3), (200, 300, 4), (7, 7, 1), (8, 2, 6))
]

math = [
    dict(problem="Simplify $\\frac{4}{8}$.", level="Level 1", type="Algebra", solution="Both are divisible by $4$: $\\boxed{\\frac{1}{2}}$."),
    dict(problem="Which set is $\\{x : x^2 < 4\\}$?", level="Level 2", type="Algebra", solution="It is $\\boxed{(-2,2)}$."),
]
math_answers = ["\\frac{1}{2}", "(-2,2)"]
math_shots = [
    dict(problem=f"Compute ${a}+{b}$.", level="Level 1", type="Algebra", solution=f"The sum is $\\boxed{{{a+b}}}$.") for a, b in ((1, 2), (30, 4), (5, 60), (7, 8))
]
math_shot_answers = ["3", "34", "65", "15"]


def letters(topic, count):
    return [[f"{topic} question {n}?", f"{n}", f"{n+1}", "both, or \"none\"", " neither", "ABCD"[n % 4]] for n in range(count)]


mmlu = {
    "high_school_physics": [[" What falls faster, a \"light\" or a heavy ball?\n", "The light one", "The heavy one", "Neither, in a vacuum", "It depends", "C"]],
    "us_foreign_policy": [["A treaty, once signed, is", "law", "void", "ratified", "kept", "A"], ["Which came first?", "1", "2", "3", "4", "D"]],
}
mmlu_shots = {subject: letters(subject, 5) for subject in mmlu}

mathbench = {
    "cloze_cn": [dict(question=" 3个苹果和4个梨一共有多少个？ ", answer="7"), dict(question="0.5的一半是多少？", answer=" 0.25")],
    "cloze_en": [dict(question="What is the limit of 1/n?", answer="0")],
    "single_choice_cn": [dict(question="下列哪个数最大？ ", options=["1", "2", "$\\frac{9}{2}$", "4"], answer="C")],
    "single_choice_en": [dict(question="Which is prime?", options=["4", "6", "8", "11"], answer="D")],
}
cloze_shots = {
    "cloze_cn": [dict(question=f"{n}加{n}等于多少？", answer=str(2 * n)) for n in range(1, 9)],
    "cloze_en": [dict(question=f"What is {n} + {n}?", answer=str(2 * n)) for n in range(1, 9)],
}

hellaswag = [
    dict(ind=1, activity_label="Baking bread", ctx_a="A man stands in a kitchen.", ctx_b="the US man", ctx="A man stands in a kitchen. the US man", label=2,
         endings=["kneads a dough.", "leaves  the room.", "opens the oven [laughs] slowly.", "sings."]),
    dict(ind=2, activity_label="Home and Garden", ctx_a="[header] How to clean: a guide [title] Sweep the floor. [step] Use a broom: a stiff one.", ctx_b="",
         ctx="[header] How to clean: a guide [title] Sweep the floor. [step] Use a broom: a stiff one.", label=0,
         endings=["[substeps] Sweep towards the door.", "[title] Mop it. [step] Use water.", " Wait.", "Éclairs are cake."]),
]
hellaswag_lines = [
    dict(activity_label="Roof work", ctx="A man sits on a roof. he", label=3, endings=["sleeps.", "rips tiles off.", "holds a cube.", "pulls up roofing."]),
    dict(activity_label="Education", ctx="How to read: start. Note: take time.", label=1, endings=["Read it twice.", "Read aloud.", "Close it.", "Rest."]),
]

winogrande = [
    dict(qID="1", sentence="Ann lent Eve a book because _ had already read it.", option1="Ann", option2="Eve", answer="1"),
    dict(qID="2", sentence="The trophy did not fit the case, so we chose a larger _.", option1="trophy", option2="case", answer="2"),
]
winogrande_shots = [
    dict(qID="3", sentence="The cup hit the plate and the _ broke first.", option1="cup", option2="plate", answer="2"),
    dict(qID="4", sentence="Tom thanked Ben since _ helped.", option1="Tom", option2="Ben", answer="2"),
]


def arc_row(stem, texts, labels, key): return dict(id=stem[:5], question=dict(stem=stem, choices=[dict(text=t, label=l) for t, l in zip(texts, labels)]), answerKey=key)


arc = [
    arc_row("Which is a mammal?", ["Trout", "Bat", "Wren", "Newt"], "ABCD", "B"),
    arc_row("Which force slows a sled?", ["friction", "gravity", "magnetism"], "ABC", "A"),
    arc_row("What boils at 100 °C?", ["Oil", "Iron", "Water", "Salt"], "1234", "3"),
    arc_row("Which is largest?", ["Moon", "Earth", "Mars", "Venus", "Sun"], "ABCDE", "E"),
]
arc_shots = [arc_row("Is ice solid?", ["yes", "no", "at times", "never"], "ABCD", "A"), arc_row("Do fish breathe?", ["no", "yes", "once", "by day"], "1234", "2")]

mgsm = {
    language: [("7 + 5 = ?", "12"), ("1000 - 1 = ?", "999")]
    for language in ("bn", "de", "en", "es", "fr", "ja", "ru", "sw", "te", "th", "zh")
}

ceval = {"middle_school_mathematics": [[" 下列数中，最小的是____\n", "0", "1", "-2", "3", "C"]], "civil_servant": [["“一,二”之后是____", "三", "四", "五", "六", "A"]]}
ceval_shots = {subject: letters(subject, 5) for subject in ceval}
cmmlu = {"elementary_mathematics": [["算式 2+3 的结果是", "4", "5 ", "6", "7", "B"]], "arts": [["《蒙娜丽莎》的作者是 ", "达芬奇", "梵高", "莫奈", "毕加索", "A"]]}
cmmlu_shots = {subject: letters(subject, 5) for subject in cmmlu}
