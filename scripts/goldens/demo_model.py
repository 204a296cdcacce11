"""Makes Examples/: two small tasks of our own text, and a small Llama that was trained on text of the same kind.

    "$(scripts/python)" scripts/goldens/demo_model.py [--steps 3000] [--out Examples]

Examples/problems.jsonl     word problems in GSM8K's form ({"question", "answer"}), format `gsm8k`
Examples/stories.jsonl      short stories, first sentence as prompt ({"prompt", "response", ...}), format `pairs`
Examples/model              trained on both kinds: config, bfloat16 weights, byte-level BPE tokenizer with Llama 3's splitting
Examples/model-tuned        the same after some fine-tuning on problems alone, so that there is a change to look at

Everything is written by the templates below; nothing comes from anywhere else. No sample of the two files is trained on.
"""
import argparse, json, math, pathlib, random, shutil

import torch, transformers
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM

root = pathlib.Path(__file__).resolve().parents[2]
LLAMA3_SPLIT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
SINGLE_DIGITS = LLAMA3_SPLIT.replace(r"\p{N}{1,3}", r"\p{N}")
BEGIN, END, PAD = "<|begin_of_text|>", "<|end_of_text|>", "<|pad|>"

PEOPLE = [("Anna", "she", "her"), ("Ben", "he", "his"), ("Clara", "she", "her"), ("David", "he", "his"), ("Emma", "she", "her"), ("Finn", "he", "his"),
          ("Grace", "she", "her"), ("Hugo", "he", "his"), ("Ida", "she", "her"), ("Jonas", "he", "his"), ("Mia", "she", "her"), ("Noah", "he", "his")]
THINGS = ["apples", "pears", "stamps", "marbles", "books", "pencils", "shells", "cards", "plums", "coins", "buttons", "stickers"]
ANIMALS = ["cat", "dog", "bird", "fox", "rabbit", "horse", "duck", "mouse"]
PLACES = ["garden", "forest", "kitchen", "school", "park", "barn", "market", "library"]
OBJECTS = ["red ball", "old map", "silver key", "paper boat", "warm coat", "small lamp", "blue kite", "wooden box"]
MOODS = ["happy", "sad", "tired", "brave", "curious", "proud"]


def problem(draw):
    (a, she, her), (b, _, _) = draw.sample(PEOPLE, 2)
    things, other = draw.sample(THINGS, 2)
    x, y, z = draw.randint(2, 12), draw.randint(2, 12), draw.randint(2, 9)
    kind = draw.randrange(8)
    if kind == 0:
        q = f"{a} has {x} {things}. {b} gives {her if she == 'she' else 'him'} {y} more. How many {things} does {a} have now?"
        return q, [f"{a} has {x}+{y}=<<{x}+{y}={x + y}>>{x + y} {things}."], x + y
    if kind == 1:
        z = min(z, x * y - 1)
        q = f"{a} buys {x} boxes with {y} {things} each. {she.capitalize()} gives {z} {things} to {b}. How many {things} are left?"
        return q, [f"{a} buys {x}*{y}=<<{x}*{y}={x * y}>>{x * y} {things}.", f"Then {x * y}-{z}=<<{x * y}-{z}={x * y - z}>>{x * y - z} {things} are left."], x * y - z
    if kind == 2:
        q = f"{b} has {x} {things}. {a} has {y} times as many. How many {things} do they have together?"
        return q, [f"{a} has {x}*{y}=<<{x}*{y}={x * y}>>{x * y} {things}.", f"Together they have {x}+{x * y}=<<{x}+{x * y}={x + x * y}>>{x + x * y} {things}."], x + x * y
    if kind == 3:
        pay = 10 * math.ceil(x * y / 10) + 10
        q = f"One of the {things} costs ${x}. {a} buys {y} of them and pays with ${pay}. How much money does {she} get back?"
        return q, [f"The {things} cost {x}*{y}=$<<{x}*{y}={x * y}>>{x * y}.", f"{a} gets back {pay}-{x * y}=$<<{pay}-{x * y}={pay - x * y}>>{pay - x * y}."], pay - x * y
    if kind == 4:
        q = f"{a} shares {x * y} {things} equally among {x} friends. How many {things} does each friend get?"
        return q, [f"Each friend gets {x * y}/{x}=<<{x * y}/{x}={y}>>{y} {things}."], y
    if kind == 5:
        q = f"{a} walks {x} miles every day. How many miles does {she} walk in {y} weeks?"
        return q, [f"In one week {a} walks {x}*7=<<{x}*7={x * 7}>>{x * 7} miles.", f"In {y} weeks {she} walks {x * 7}*{y}=<<{x * 7}*{y}={x * 7 * y}>>{x * 7 * y} miles."], x * 7 * y
    if kind == 6:
        q = f"There are {x} {things} and {y} {other} on a table. {a} puts {z} more {things} there. How many things are on the table?"
        return q, [f"There are {x}+{z}=<<{x}+{z}={x + z}>>{x + z} {things}.", f"So there are {x + z}+{y}=<<{x + z}+{y}={x + y + z}>>{x + y + z} things."], x + y + z
    q = f"{a} had {x + y + z} {things}. {she.capitalize()} lost {x} of them and gave {y} to {b}. How many {things} does {a} still have?"
    return q, [f"{a} lost or gave away {x}+{y}=<<{x}+{y}={x + y}>>{x + y} {things}.", f"{she.capitalize()} still has {x + y + z}-{x + y}=<<{x + y + z}-{x + y}={z}>>{z} {things}."], z


def problem_record(draw):
    question, steps, result = problem(draw)
    return {"question": question, "answer": "\n".join(steps + [f"#### {result}"])}


def story(draw):
    (a, she, her), (b, _, _) = draw.sample(PEOPLE, 2)
    animal, place, thing = draw.choice(ANIMALS), draw.choice(PLACES), draw.choice(OBJECTS)
    before, after = draw.sample(MOODS, 2)
    first = draw.choice([f"One day, {a} went to the {place} with {her} {animal}.", f"{a} was {before} because {she} could not find {her} {thing}.",
                         f"There was a {before} {animal} that lived near the {place}.", f"{a} and {b} found a {thing} in the {place}."])
    middle = [f"The {animal} looked at {a} and ran behind the {place}.", f"\"Have you seen my {thing}?\" asked {a}.", f"{b} said that the {thing} was in the {place}.",
              f"They looked under the {thing} and saw the {animal} there.", f"{a} took the {thing} and put it in {her} bag.", f"It was a long way home from the {place}."]
    last = draw.choice([f"In the end, {a} was {after} and the {animal} was {after} too.", f"Then {a} and {b} went home, and {she} kept the {thing}.", f"{a} told {b} about the {animal}, and they both felt {after}."])
    return first, " " + " ".join(draw.sample(middle, draw.randint(2, 5)) + [last])


def story_record(draw):
    first, rest = story(draw)
    return {"prompt": first, "response": rest}


def as_pair(record):
    """Prompt and response as Headway's formats `gsm8k` and `pairs` make them."""
    return (record["prompt"], record["response"]) if "prompt" in record else (f"Question: {record['question']}\nAnswer: ", record["answer"])


def make_tokenizer(texts, vocabulary):
    tokenizer = Tokenizer(models.BPE())
    # Trained with single digits, so that no digits are ever merged; then split as Llama 3 splits.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(SINGLE_DIGITS), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=[BEGIN, END, PAD], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3_SPLIT), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{BEGIN} $A", pair=f"{BEGIN} $A {BEGIN} $B", special_tokens=[(BEGIN, 0)])
    return tokenizer


def train(model, batches, rate, steps, prompt_loss):
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.95), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda i: min(1, (i + 1) / 100) * (0.1 + 0.45 * (1 + math.cos(math.pi * i / steps))))
    running = None
    for step in range(steps):
        group = next(batches)
        width = max(len(p) + len(r) for p, r in group)
        ids, labels = torch.full((len(group), width), 2), torch.full((len(group), width), -100)
        for row, (p, r) in enumerate(group):
            ids[row, : len(p) + len(r)] = torch.tensor(p + r)
            labels[row, : len(p) + len(r)] = torch.tensor((p if prompt_loss else [-100] * len(p)) + r)
        loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step(); schedule.step(); optimizer.zero_grad(set_to_none=True)
        running = loss.item() if running is None else 0.98 * running + 0.02 * loss.item()
        if step % 250 == 0 or step + 1 == steps:
            print(f"step {step:5} loss {running:.3f}", flush=True)
    return running


def save(model, tokenizer, folder, note):
    shutil.rmtree(folder, ignore_errors=True)
    model.to(torch.bfloat16).save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    tokenizer.save(str(folder / "tokenizer.json"))
    kept = {"backend": "tokenizers", "bos_token": BEGIN, "eos_token": END, "pad_token": PAD, "model_max_length": model.config.max_position_embeddings, "tokenizer_class": "TokenizersBackend"}
    (folder / "tokenizer_config.json").write_text(json.dumps(kept, indent=2) + "\n")
    about = {"made_by": "scripts/goldens/demo_model.py", "about": note, "torch": torch.__version__, "transformers": transformers.__version__}
    (folder / "provenance.json").write_text(json.dumps(about, indent=2) + "\n")
    model.to(torch.float32)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--steps", type=int, default=3000); a.add_argument("--tuning-steps", type=int, default=300)
    a.add_argument("--threads", type=int, default=2); a.add_argument("--out", type=pathlib.Path, default=root / "Examples")
    o = a.parse_args()
    torch.set_num_threads(o.threads); torch.manual_seed(0)
    o.out.mkdir(exist_ok=True)
    draw, held_out = random.Random(1), set()
    for file, make, task in [("problems", problem_record, "problems"), ("stories", story_record, "stories")]:
        records = []
        while len(records) < 60:
            record = make(draw)
            if as_pair(record)[0] not in held_out:
                held_out.add(as_pair(record)[0])
                records.append(record if "question" in record else {**record, "task": task, "id": f"{task}-{len(records)}"})
        (o.out / f"{file}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))

    def drawn(make, seed):
        source = random.Random(seed)
        while True:
            record = make(source)
            if "prompt" in record or as_pair(record)[0] not in held_out:
                yield as_pair(record)

    problems, stories = drawn(problem_record, 2), drawn(story_record, 3)
    texts = [p + r for source in (problems, stories) for _, (p, r) in zip(range(3000), source)]
    tokenizer = make_tokenizer(texts, 512)
    begin, end = tokenizer.token_to_id(BEGIN), tokenizer.token_to_id(END)

    def encoded(pair):
        return [begin] + tokenizer.encode(pair[0], add_special_tokens=False).ids, tokenizer.encode(pair[1], add_special_tokens=False).ids + [end]

    def batches(sources, size):
        while True:
            yield [encoded(next(source)) for source in sources for _ in range(size)]

    model = LlamaForCausalLM(LlamaConfig(vocab_size=512, hidden_size=48, intermediate_size=96, num_hidden_layers=4, num_attention_heads=8, num_key_value_heads=4, head_dim=8, max_position_embeddings=512,
                                         rope_parameters={"rope_type": "default", "rope_theta": 10000.0}, tie_word_embeddings=True, bos_token_id=begin, eos_token_id=end, pad_token_id=2))
    print(f"{sum(p.numel() for p in model.parameters())} parameters")
    loss = train(model, batches([problems, stories], 8), 3e-3, o.steps, prompt_loss=True)
    save(model, tokenizer, o.out / "model", f"{o.steps} steps on word problems and stories, loss {loss:.3f}")
    loss = train(model, batches([problems], 16), 3e-4, o.tuning_steps, prompt_loss=False)
    save(model, tokenizer, o.out / "model-tuned", f"Examples/model after {o.tuning_steps} steps of fine-tuning on word problems alone, loss on answers {loss:.3f}")


if __name__ == "__main__":
    main()
