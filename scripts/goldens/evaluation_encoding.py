"""Contexts and continuations as token ids, by lm-evaluation-harness and as OpenCompass has them: Tests/EvaluationTests/Fixtures/encoding.json.

    "$(scripts/python)" scripts/goldens/evaluation_encoding.py

lm_eval's own `HFLM.loglikelihood` runs on the tokenizers of the repository, up to the point where ids would go to the model. OpenCompass's part is
`HuggingFaceCausalLM._get_loglikelihood` of 0.5.4 in two lines, because its module imports the whole of OpenCompass.
"""
import json, pathlib, sys

from transformers import AutoTokenizer

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import evaluators  # noqa: E402
from lm_eval.models.huggingface import HFLM  # noqa: E402

root = pathlib.Path(__file__).resolve().parents[2]
TOKENIZERS = ["Examples/model"] + [f"Tests/TokenizersTests/Fixtures/tokenizers/{name}" for name in ("llama-legacy", "llama-json-class", "gemma", "opt", "llama3-added")]
PAIRS = [
    ("Question: Which of these floats?\nAnswer:", " a cork"), ("Question: Which of these floats?\nAnswer: ", "a cork"),
    ("The trophy did not fit into the case, because the trophy", " was too large."), ("2 + 2 =", " 4"), ("Sum: ", "12"), ("a\t \n", "b c"),
    ("", "Nothing stands before this."), ("以下是单项选择题。\n答案：", " A"), ("以下是单项选择题。\n答案：", "A"), ("Seven pears, six pear", "s are left"),
    ("ends in a wide space　", " B"), ("x", "  two spaces"), ("One and one", ", one and one"),
]


class Harness(HFLM):
    """HFLM without a model: its requests come back as ids."""

    def __init__(self, tokenizer, maximum):
        self.tokenizer, self._max_length, self.add_bos_token, self.custom_prefix_token_id, self.backend = tokenizer, maximum, None, None, "causal"
        self.enable_thinking = False

    def _loglikelihood_tokens(self, requests, **_):
        # As HFLM cuts them; the last id is only predicted.
        return [((before + behind)[-(self.max_length + 1):], len(behind)) for _, before, behind in requests]


class Request:
    def __init__(self, pair): self.args, self.task_name = pair, None


def cases(folder):
    tokenizer = AutoTokenizer.from_pretrained(root / folder)
    pairs = list(PAIRS)
    if tokenizer.bos_token: pairs.append((tokenizer.bos_token + "It begins with a special token:", " so"))
    found = []
    for maximum in (2048, 6):
        made = Harness(tokenizer, maximum).loglikelihood([Request(pair) for pair in pairs], disable_tqdm=True)
        for (context, continuation), (ids, count) in zip(pairs, made):
            case = {"context": context, "continuation": continuation, "maximum": maximum, "harness": {"ids": ids, "count": count}}
            if maximum == 2048 and context:
                whole = context + continuation
                ids = tokenizer(whole)["input_ids"]
                case["openCompass"] = {"ids": ids, "count": len(ids) - len(tokenizer(whole.replace(continuation, ""))["input_ids"])}
            found.append(case)
    return {"folder": folder, "cases": found}


target = root / "Tests" / "EvaluationTests" / "Fixtures" / "encoding.json"
target.write_text(json.dumps({"provenance": evaluators.PROVENANCE, "tokenizers": [cases(folder) for folder in TOKENIZERS]}, ensure_ascii=False) + "\n")
print(target, target.stat().st_size)
