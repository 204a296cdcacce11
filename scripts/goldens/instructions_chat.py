"""Makes Tests/InstructionsTests/Fixtures/chat.json: conversations rendered by transformers from the chat templates of Llama 2 chat,
Llama 3 instruct, Gemma instruct, Mistral instruct 0.2 and ChatML (as their model cards and folders give them), and templates
that differ from them. Run with transformers 5.23 from the repository's root:

    python3 scripts/goldens/instructions_chat.py
"""

import json
import pathlib

import transformers
from transformers.utils.chat_template_utils import render_jinja_template

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "InstructionsTests" / "Fixtures"

ALTERNATE = (
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
)
LLAMA3_TURN = "'<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>'"
TEMPLATES = {
    "llama2": "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}"
    "{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for message in loop_messages %}" + ALTERNATE +
    "{% if loop.index0 == 0 and system_message != false %}"
    r"{% set content = '<<SYS>>\n' + system_message + '\n<</SYS>>\n\n' + message['content'] %}"
    "{% else %}{% set content = message['content'] %}{% endif %}"
    "{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}",
    "llama3": "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = " + LLAMA3_TURN + " %}"
    "{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}",
    "gemma": "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}" + ALTERNATE + "{% if (message['role'] == 'assistant') %}{% set role = 'model' %}"
    "{% else %}{% set role = message['role'] %}{% endif %}"
    r"{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    r"{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}",
    "mistral": "{{ bos_token }}{% for message in messages %}" + ALTERNATE +
    "{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token}}"
    "{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}",
    "chatml": r"{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    r"{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
}
# Templates near to those above that put out something else: each must be refused.
OTHERS = {
    "Mistral 0.1: a space after each answer": TEMPLATES["mistral"].replace("eos_token}}", "eos_token + ' ' }}"),
    "ChatML with a default system message": r"{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}"
    + TEMPLATES["chatml"],
    "Llama 3 without trimming": TEMPLATES["llama3"].replace(" | trim", ""),
    "Llama 3 with one line break": TEMPLATES["llama3"].replace("\n\n", "\n"),
    "text outside of tags": "Chat: " + TEMPLATES["chatml"],
    "Gemma without line breaks": TEMPLATES["gemma"].replace(r"<end_of_turn>\n", "<end_of_turn>"),
    "contents only": "{% for message in messages %}{{ message['content'] }}{% endfor %}",
    "empty": "",
}
SPECIAL = {
    "llama2": ("<s>", "</s>"),
    "llama3": ("<|begin_of_text|>", "<|eot_id|>"),
    "gemma": ("<bos>", "<eos>"),
    "mistral": ("<s>", "</s>"),
    "chatml": ("", "<|im_end|>"),
}
say = lambda role, content: {"role": role, "content": content}
CONVERSATIONS = [
    [say("user", "What is 2 < 3 & 4?"), say("assistant", "True.")],
    [say("user", "  spaces \n"), say("assistant", "\n kept? "), say("user", "中文 🙂"), say("assistant", "是")],
    [say("system", "Be brief.\n"), say("user", " Hi"), say("assistant", "Hello"), say("user", "Bye"), say("assistant", " Bye ")],
    [say("user", "unanswered")],
]
# TRL's conversational prompt and completion (docs/source/dataset_formats.md, sft_trainer.py: `tokenize_fn`): the prompt is rendered with the
# generation prompt, then both together; what the second adds carries the loss.
COMPLETIONS = [
    ([say("user", "What is 2 < 3 & 4?")], [say("assistant", "True.")]),
    ([say("user", " a "), say("assistant", "b\n"), say("user", "c")], [say("assistant", " d")]),
    ([say("system", "Be brief."), say("user", "Hi")], [say("assistant", "Hello"), say("user", "Bye"), say("assistant", "Bye")]),
]


def rendered(name, messages):
    bos, eos = SPECIAL[name]
    asks = messages[-1]["role"] == "user"
    texts, _ = render_jinja_template([messages], chat_template=TEMPLATES[name], add_generation_prompt=asks, bos_token=bos, eos_token=eos)
    return texts[0].removeprefix(bos)


if __name__ == "__main__":
    cases = []
    for name in TEMPLATES:
        for messages in CONVERSATIONS:
            if messages[0]["role"] == "system" and name in ("gemma", "mistral"):
                continue
            cases.append({"form": name, "messages": messages, "text": rendered(name, messages)})
    completions = []
    for name in TEMPLATES:
        for prompt, completion in COMPLETIONS:
            if prompt[0]["role"] == "system" and name in ("gemma", "mistral"):
                continue
            given, whole = rendered(name, prompt), rendered(name, prompt + completion)
            assert whole.startswith(given)
            completions.append({"form": name, "prompt": prompt, "completion": completion, "given": given, "said": whole[len(given) :]})
    golden = {
        "provenance": f"made by scripts/goldens/instructions_chat.py with transformers {transformers.__version__}",
        "templates": TEMPLATES,
        "others": OTHERS,
        "cases": cases,
        "completions": completions,
    }
    (FIXTURES / "chat.json").write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n")
