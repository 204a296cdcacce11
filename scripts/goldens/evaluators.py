"""Makes lm-evaluation-harness and OpenCompass importable beside the environment of scripts/python, in the versions of evaluation_requirements.txt.

Of OpenCompass only the modules that make prompts and
read answers are imported: its packages are replaced by empty ones, so that what their `__init__` files would import is not needed.
"""
import pathlib, sys, types

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from beside import packages  # noqa: E402

FOLDER = packages("evaluators", HERE / "evaluation_requirements.txt")

PROVENANCE = "lm_eval 0.4.13 and opencompass 0.5.4 (PyPI), run on questions made up for these fixtures"


class _Base:
    def __init__(self, *arguments, **named): pass


class _Anything:
    """What a configuration of OpenCompass names but no prompt needs."""


def _package(name, **contents):
    module = types.ModuleType(name)
    module.__path__ = [str(FOLDER.joinpath(*name.split(".")))]
    module.__dict__.update(contents)
    sys.modules[name] = module


_package("opencompass")
_package("opencompass.utils", get_data_path=None)
_package("opencompass.datasets")
_package("opencompass.models")
_package("opencompass.openicl", BaseEvaluator=_Base)
_package("opencompass.openicl.icl_evaluator", BaseEvaluator=_Base)
_package("opencompass.openicl.icl_evaluator.icl_base_evaluator", BaseEvaluator=_Base)
_package("opencompass.openicl.icl_retriever")
_package("opencompass.datasets.base", BaseDataset=_Base)

import opencompass.utils.types  # noqa: E402, F401
from opencompass.datasets import gsm8k, math, mathbench, mgsm  # noqa: E402, F401
from opencompass.models.base import LMTemplateParser  # noqa: E402
from opencompass.openicl.icl_prompt_template import PromptTemplate  # noqa: E402
from opencompass.openicl.icl_retriever.icl_base_retriever import BaseRetriever  # noqa: E402
from opencompass.utils import text_postprocessors  # noqa: E402, F401


class OpenCompass:
    """A configuration of OpenCompass over rows of its own making."""

    def __init__(self, config, subject=None):
        """config: the file below configs/datasets; subject: which of its data sets, by the `name` that it loads."""
        source = FOLDER / "opencompass" / "configs" / "datasets" / f"{config}.py"
        for name in ("opencompass.openicl.icl_retriever", "opencompass.openicl.icl_inferencer", "opencompass.openicl.icl_evaluator", "opencompass.datasets"):
            if name not in sys.modules: _package(name)
            sys.modules[name].__dict__.setdefault("__getattr__", lambda _: _Anything)
        names = {}
        exec(compile(source.read_text(), str(source), "exec"), names)
        found = next(value for name, value in names.items() if name.endswith("_datasets"))
        self.config = next(d for d in found if subject is None or d.get("name") == subject or d["abbr"] == subject)

    def prompts(self, rows, shots=(), rounds=None):
        """For each row what the model is given: a text, or a text for each label.

        rounds: turns that take the place of the configuration's fixed shots.
        """
        infer = self.config["infer_cfg"]

        def template(settings):
            if settings is None: return None
            settings = {k: v for k, v in settings.items() if k != "type"}
            if rounds is not None:
                # The fixed shots are all turns before the last question.
                turns = settings["template"]["round"]
                last = max(i for i, turn in enumerate(turns) if turn["role"] == "HUMAN")
                settings = {**settings, "template": {"round": rounds + turns[last:]}}
            return PromptTemplate(**settings)

        ice, prompt = template(infer.get("ice_template")), template(infer.get("prompt_template"))
        reader = types.SimpleNamespace(output_column=self.config["reader_cfg"]["output_column"])
        retriever = BaseRetriever(types.SimpleNamespace(reader=reader, train=list(shots), test=list(rows)))
        parser = LMTemplateParser()
        shown = retriever.generate_ice(range(len(shots)), ice_template=ice) if ice else ""
        asked = []
        for index in range(len(rows)):
            if infer["inferencer"].get("max_out_len") or prompt_is_generated(prompt or ice):
                text = retriever.generate_prompt_for_generate_task(index, shown, ice_template=ice, prompt_template=prompt)
                asked.append(parser.parse_template(text, mode="gen"))
            else:
                labels = retriever.get_labels(ice_template=ice, prompt_template=prompt)
                texts = [retriever.generate_label_prompt(index, shown, label, ice_template=ice, prompt_template=prompt) for label in labels]
                asked.append([parser.parse_template(text, mode="ppl") for text in texts])
        return asked


def prompt_is_generated(template):
    return isinstance(template.template, str) or template.prompt_type == "meta"


class Harness:
    """A task of lm-evaluation-harness over rows of its own making."""

    def __init__(self, task, rows, shots=()):
        """task: the file below tasks; rows and shots in the fields of the hub's dataset."""
        import datasets
        from lm_eval.api.task import ConfigurableTask
        from lm_eval.tasks._yaml_loader import load_yaml

        config = load_yaml(FOLDER / "lm_eval" / "tasks" / f"{task}.yaml")
        split = config.get("test_split") or config["validation_split"]
        shown = (config.get("fewshot_config") or {}).get("split") or config.get("fewshot_split") or config.get("training_split")
        made = {split: datasets.Dataset.from_list(list(rows))}
        if shots and shown: made[shown] = datasets.Dataset.from_list(list(shots))
        for name in ("training_split", "validation_split", "test_split", "fewshot_split"):
            if config.get(name) not in made: config.pop(name, None)
        config.pop("tag", None)
        config["custom_dataset"] = lambda **_: datasets.DatasetDict(made)
        config["fewshot_config"] = {**(config.get("fewshot_config") or {}), "sampler": "first_n"}
        self.task = ConfigurableTask(config=config)

    def requests(self, shots):
        """For each row the arguments of its requests: a context and a continuation for each option, or a context and how to go on."""
        asked = []
        for doc in self.task.eval_docs:
            made = self.task.construct_requests(doc, self.task.fewshot_context(doc, shots))
            asked.append([m.args for m in made] if isinstance(made, list) else made.args)
        return asked
