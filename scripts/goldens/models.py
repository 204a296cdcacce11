"""Makes the tiny random models in Tests/Goldens/Fixtures and their golden outputs.

    "$(scripts/python)" scripts/goldens/models.py [--only PATTERN] [--out FOLDER]

Each fixture is a Hugging Face folder with random weights, in one odd shape that the tests must understand, plus

    samples.json          [{"ids": [...], "prompt_length": n}], five samples of uneven lengths; ids of the response carry a label each
    golden.safetensors    float32, computed in float64 by transformers on one sample at a time:
        logits            [all tokens, vocabulary], the samples end to end
        loss              [samples], mean cross-entropy over a sample's labels
        magnitude, signed, token, saliency          [samples, layers, heads], from full attention matrices
        batch4.loss       [2], mean over all labels of samples 0..3, and of sample 4
        batch4.magnitude, .signed, .token, .saliency [samples, layers, heads] under that loss
        bfloat16.logits, .loss, .magnitude, ...      where the checkpoint is bfloat16: what transformers gets when it computes in bfloat16

Weights are large enough that attention is far from uniform, norm weights differ from one and biases from zero.
What made a fixture (script, seed, versions) is in the metadata of its golden.safetensors, as JSON under `provenance`.
"""
import argparse, collections, copy, fnmatch, json, pathlib, random, shutil, sys, zlib
from dataclasses import dataclass, field
from typing import Callable

import torch, transformers
from safetensors.torch import load_file, save_file
from transformers import (
    AutoConfig, AutoModelForCausalLM, Gemma3TextConfig, Gemma2Config, GemmaConfig, GPT2Config, GPTNeoXConfig, LlamaConfig, MistralConfig, Olmo2Config, OPTConfig, Phi3Config, Qwen2Config, Qwen3Config, SmolLM3Config)

root = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "Benchmarks" / "peers"))
import attention_probe  # noqa: E402

LENGTHS = [(12, 5), (2, 1), (3, 1), (41, 17), (9, 8)]  # (tokens, of which prompt)
SCORES = ["magnitude", "signed", "token", "saliency"]


@dataclass
class Fixture:
    name: str
    config: transformers.PreTrainedConfig
    about: str
    dtype: torch.dtype = torch.float32
    shards: int = 1
    bin: bool = False
    edit_config: Callable[[dict], None] = lambda c: None  # rewrites config.json, for older spellings
    edit_state: Callable[[dict], dict] = lambda s: s  # renames tensors, for other published layouts
    changed: bool = False  # whether edit_state changes numbers, so that reading back gives others
    lengths: list = field(default_factory=lambda: LENGTHS)


def small(config_class, **changes):
    shape = dict(vocab_size=48, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=64, bos_token_id=1, eos_token_id=2, pad_token_id=0)
    shape.update(changes)
    return config_class(**shape)


def llama(**changes):
    return small(LlamaConfig, num_key_value_heads=changes.pop("num_key_value_heads", 2), **changes)


def gemma(**changes):
    return small(GemmaConfig, **(dict(hidden_size=24, intermediate_size=32, num_key_value_heads=1, head_dim=8, bos_token_id=2, eos_token_id=1) | changes))


def opt(**changes):
    shape = dict(vocab_size=48, hidden_size=16, ffn_dim=24, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=48, bos_token_id=2, eos_token_id=2, pad_token_id=1)
    return OPTConfig(**(shape | changes))


def gpt2(**changes):
    shape = dict(vocab_size=48, n_embd=16, n_inner=24, n_layer=2, n_head=4, n_positions=48, bos_token_id=2, eos_token_id=2)
    return GPT2Config(**(shape | changes))


def gpt_neox(**changes):
    return small(GPTNeoXConfig, **(dict(hidden_size=32, rotary_pct=0.25) | changes))


def smollm3(**changes):
    return small(SmolLM3Config, **(dict(num_key_value_heads=2) | changes))


def phi3(**changes):
    return small(Phi3Config, **(dict(num_key_value_heads=2, original_max_position_embeddings=64) | changes))


def gemma2(**changes):
    return small(Gemma2Config, **(dict(hidden_size=24, intermediate_size=32, num_key_value_heads=2, head_dim=8, num_hidden_layers=3, sliding_window=7, query_pre_attn_scalar=12, bos_token_id=2, eos_token_id=1) | changes))


def gemma3(**changes):
    return small(Gemma3TextConfig, **(dict(hidden_size=24, intermediate_size=32, num_key_value_heads=2, head_dim=8, num_hidden_layers=3, sliding_window=7, query_pre_attn_scalar=12, bos_token_id=2, eos_token_id=1) | changes))


def qwen2(**changes):
    return small(Qwen2Config, num_key_value_heads=2, **changes)


def qwen3(**changes):
    return small(Qwen3Config, **(dict(num_key_value_heads=2, head_dim=8) | changes))


def old_rope(kind_key="rope_type", theta=None):
    """config.json as transformers 4 wrote it: rope_theta and rope_scaling beside each other (older still: `type` for `rope_type`)."""

    def edit(config):
        scaling = config.pop("rope_parameters")
        base, kind = scaling.pop("rope_theta"), scaling.pop("rope_type")
        config["rope_theta"], config["torch_dtype"] = base, config.pop("dtype")
        config["rope_scaling"] = None if kind == "default" else {kind_key: kind, **scaling}

    return edit


def gemma_as_published(config):
    """The first releases said `gelu` and meant its tanh approximation."""
    old_rope()(config)
    config["hidden_act"], config["hidden_activation"] = "gelu", None


def qwen_as_published(window, **changes):
    """Published Qwen configurations name a window that `use_sliding_window` may switch off, and have no layer_types."""

    def edit(config):
        old_rope()(config)
        config.pop("layer_types", None)
        config.update(sliding_window=window, **changes)

    return edit


def without(*keys, **changes):
    """Leaves keys out, so that the class's defaults count; its own dictionaries are changed by name."""

    def edit(config):
        for key in keys:
            place, _, inner = key.partition(".")
            if inner:
                config[place].pop(inner)
            else:
                config.pop(key)
        config.update(changes)

    return edit


def another_head(state):
    """A table of its own under lm_head.weight, although the configuration ties the two."""
    generator = torch.Generator().manual_seed(5)
    table = state["model.embed_tokens.weight"]
    state["lm_head.weight"] = torch.randn(table.shape, generator=generator, dtype=torch.float64).to(table.dtype) * 0.3
    return state


def small_embeddings(state):
    """So small that the ε of the first normalisations counts."""
    state["model.embed_tokens.weight"] = state["model.embed_tokens.weight"] * 0.02
    return state


def opt_as_published(state):
    return {name.removeprefix("model."): t for name, t in state.items()}


def gpt2_as_published(state):
    """Without `transformer.`, and with the causal mask that old versions kept among the weights."""
    state = {name.removeprefix("transformer."): t for name, t in state.items()}
    masks = {f"h.{i}.attn.bias": torch.ones(1, 1, 48, 48).tril() for i in range(2)}
    return state | masks


def pythia_as_published(state):
    """The projection under its old name, and buffers that old versions kept among the weights."""
    state["embed_out.weight"] = state.pop("lm_head.weight")
    for i in range(2):
        state[f"gpt_neox.layers.{i}.attention.bias"] = torch.ones(1, 1, 8, 8).tril()
        state[f"gpt_neox.layers.{i}.attention.masked_bias"] = torch.tensor(-1e9)
        state[f"gpt_neox.layers.{i}.attention.rotary_emb.inv_freq"] = torch.ones(1)
    return state


def pythia_config(config):
    """config.json as transformers 4 wrote it for Pythia."""
    rope = config.pop("rope_parameters")
    config["torch_dtype"] = config.pop("dtype")
    config.update(rotary_pct=rope["partial_rotary_factor"], rotary_emb_base=rope["rope_theta"], rope_scaling=None)


def gemma2_as_published(config):
    """config.json as transformers 4 wrote it for Gemma 2: hidden_act beside hidden_activation, layers told by the default."""
    rope = config.pop("rope_parameters")
    config["torch_dtype"] = config.pop("dtype")
    config.pop("layer_types")
    config.update(rope_theta=rope["rope_theta"], hidden_act="gelu_pytorch_tanh", cache_implementation="hybrid")


def gemma3_as_published(config):
    """config.json as transformers 4 wrote it for Gemma 3: the bases beside each other, and the pattern as a number."""
    rope = config.pop("rope_parameters")
    config["torch_dtype"] = config.pop("dtype")
    config.pop("layer_types")
    config.update(
        rope_theta=rope["full_attention"].pop("rope_theta"), rope_local_base_freq=rope["sliding_attention"]["rope_theta"],
        rope_scaling=rope["full_attention"], sliding_window_pattern=2, cache_implementation="hybrid")


def phi3_as_published(config):
    """config.json as Microsoft published it: an older name of the scaling, and settings that the model's code does not read."""
    old_rope("type")(config)
    config.get("rope_scaling").update(type="su")
    config["rope_scaling"].pop("partial_rotary_factor", None)
    config.update(attention_bias=False)


def only_under_lm_head(state):
    state["lm_head.weight"] = state.pop("model.embed_tokens.weight")
    return state


LLAMA3 = dict(rope_type="llama3", rope_theta=1000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)
LINEAR = dict(rope_type="linear", rope_theta=500.0, factor=4.0)
LONGROPE = dict(rope_type="longrope", rope_theta=100.0, short_factor=[1.0, 1.5], long_factor=[1.25, 4.0])
DYNAMIC = dict(rope_type="dynamic", rope_theta=500.0, factor=2.0)

FIXTURES = [
    Fixture("llama-plain", llama(num_key_value_heads=4, num_hidden_layers=3, tie_word_embeddings=False), "multi-head attention, untied"),
    Fixture("llama-grouped-tied", llama(tie_word_embeddings=True), "4 query heads on 2 key/value heads, tied, stored as model.embed_tokens.weight", edit_config=old_rope()),
    Fixture("llama-tied-as-lm-head", llama(tie_word_embeddings=True), "tied, stored under lm_head.weight alone", edit_state=only_under_lm_head),
    Fixture("llama-biases", llama(attention_bias=True, mlp_bias=True), "biases in attention and feed-forward"),
    Fixture("llama-head-dim", llama(head_dim=6, num_key_value_heads=2), "head_dim 6 although hidden / heads = 4"),
    Fixture("llama-single-kv", llama(num_key_value_heads=1), "one key/value head"),
    Fixture("llama-rope-llama3", llama(head_dim=16, rope_parameters=dict(LLAMA3), max_position_embeddings=512), "rope_parameters, llama3"),
    Fixture("llama-rope-llama3-old", llama(head_dim=16, rope_parameters=dict(LLAMA3), max_position_embeddings=512), "rope_theta + rope_scaling, llama3", edit_config=old_rope()),
    Fixture("llama-rope-linear", llama(rope_parameters=dict(LINEAR)), "rope_parameters, linear"),
    Fixture("llama-rope-linear-old", llama(rope_parameters=dict(LINEAR)), "rope_theta + rope_scaling with the old key `type`, linear", edit_config=old_rope("type")),
    Fixture("llama-rope-dynamic", llama(head_dim=8, rope_parameters=dict(DYNAMIC), max_position_embeddings=16), "rope_parameters, dynamic; one sample reaches beyond max_position_embeddings 16"),
    Fixture("llama-rope-dynamic-old", llama(head_dim=8, rope_parameters=dict(DYNAMIC), max_position_embeddings=16), "rope_theta + rope_scaling with the old key `type`, dynamic", edit_config=old_rope("type")),
    Fixture("llama-sharded", llama(), "three shards with an index", shards=3),
    Fixture("llama-bfloat16", llama(), "stored as bfloat16", dtype=torch.bfloat16),
    Fixture("llama-float16", llama(), "stored as float16", dtype=torch.float16),
    Fixture("llama-gelu", llama(hidden_act="gelu"), "hidden_act gelu"),
    Fixture("llama-gelu-tanh", llama(hidden_act="gelu_pytorch_tanh"), "hidden_act gelu_pytorch_tanh"),
    Fixture("llama-rope-llama3-defaults", llama(head_dim=16, rope_parameters=dict(LLAMA3), max_position_embeddings=64), "llama3 without its original_max_position_embeddings, which max_position_embeddings 64 stands in for", edit_config=without("rope_parameters.original_max_position_embeddings")),
    Fixture("llama-rope-llama3-outer", llama(head_dim=16, rope_parameters=dict(LLAMA3), max_position_embeddings=512), "original_max_position_embeddings 32 beside rope_parameters, which overrules the 64 in it", edit_config=without(original_max_position_embeddings=32)),
    Fixture("llama-rope-dynamic-original", llama(head_dim=8, rope_parameters=dict(DYNAMIC, original_max_position_embeddings=8), max_position_embeddings=16), "dynamic with an original_max_position_embeddings that has no effect"),
    Fixture("llama-tied-but-different", llama(tie_word_embeddings=True), "tied by the configuration, but the weights hold two different tables, which are both used", edit_state=another_head, changed=True),
    Fixture("gemma-multi-query", gemma(), "one key/value head, head_dim 8 although hidden / heads = 6, tied"),
    Fixture("gemma-published", gemma(num_key_value_heads=4), "multi-head, bfloat16, hidden_act gelu as in the first releases", dtype=torch.bfloat16, edit_config=gemma_as_published),
    Fixture("gemma-untied", gemma(num_key_value_heads=2, tie_word_embeddings=False), "grouped heads, untied"),
    Fixture("gemma-defaults", gemma(head_dim=256, hidden_size=8, intermediate_size=8, num_attention_heads=1, hidden_act="silu"), "hidden_act silu without hidden_activation; head_dim 256 and tie_word_embeddings left to the defaults", edit_config=without("head_dim", "tie_word_embeddings", "rms_norm_eps")),
    Fixture("opt-published", opt(), "pre-norm, float16 pytorch_model.bin, names without `model.`", dtype=torch.float16, bin=True, edit_state=opt_as_published),
    Fixture("opt-sharded", opt(), "pre-norm, float16, three pytorch_model-*.bin with an index, names without `model.`", dtype=torch.float16, bin=True, shards=3, edit_state=opt_as_published),
    Fixture("opt-post-norm", opt(do_layer_norm_before=False, word_embed_proj_dim=10), "post-norm with project_in and project_out, as OPT-350m", bin=True, edit_state=opt_as_published),
    Fixture("opt-no-final-norm", opt(_remove_final_layer_norm=True), "pre-norm without the final norm, safetensors, names with `model.`"),
    Fixture("opt-no-biases", opt(enable_bias=False, layer_norm_elementwise_affine=False), "linear layers without biases, norms without parameters"),
    Fixture("opt-untied", opt(tie_word_embeddings=False, activation_function="gelu"), "untied, gelu"),
    Fixture("mistral-full", small(MistralConfig, num_key_value_heads=2, sliding_window=None), "sliding_window null"),
    Fixture("mistral-sliding", small(MistralConfig, num_key_value_heads=2, head_dim=6, sliding_window=7), "sliding_window 7, shorter than one sample; head_dim 6", edit_config=old_rope()),
    Fixture("qwen2-published", qwen2(tie_word_embeddings=True), "biases on q, k, v; a sliding_window that use_sliding_window switches off", edit_config=qwen_as_published(7, use_sliding_window=False)),
    Fixture("qwen2-sliding", qwen2(num_hidden_layers=3, use_sliding_window=True, sliding_window=7, max_window_layers=1), "window 7 from layer 1 on, said by max_window_layers", edit_config=qwen_as_published(7)),
    Fixture("qwen2-layer-types", qwen2(num_hidden_layers=3, use_sliding_window=True, sliding_window=6, layer_types=["sliding_attention", "full_attention", "sliding_attention"]), "window 6 in layers 0 and 2, said by layer_types"),
    Fixture("qwen2-default-layers", qwen2(hidden_size=8, intermediate_size=8, num_attention_heads=2, num_hidden_layers=30, use_sliding_window=True, sliding_window=7), "30 layers with use_sliding_window and neither layer_types nor max_window_layers: window 7 in the last two", edit_config=without("layer_types", "max_window_layers")),
    Fixture("qwen3-tied", qwen3(tie_word_embeddings=True), "norms on queries and keys, head_dim 8 although hidden / heads = 4, tied"),
    Fixture("qwen3-biases", qwen3(attention_bias=True, use_sliding_window=True, sliding_window=7, max_window_layers=1), "attention biases, window 7 in layer 1", edit_config=qwen_as_published(7)),
    Fixture("qwen3-defaults", qwen3(head_dim=128, hidden_size=8, num_attention_heads=2, num_key_value_heads=1), "head_dim 128 left to the default although hidden / heads = 4", edit_config=without("head_dim")),
    Fixture("olmo2-defaults", small(Olmo2Config, num_key_value_heads=2), "rms_norm_eps 1e-5 left to the default, and embeddings so small that it counts", edit_state=small_embeddings, changed=True, edit_config=without("rms_norm_eps")),
    Fixture("olmo2-grouped", small(Olmo2Config, num_key_value_heads=2), "outputs normalised instead of inputs, norms over all queries and over all keys, grouped heads"),
    Fixture("gpt2-published", gpt2(), "names without `transformer.`, causal masks among the weights, tied", edit_state=gpt2_as_published),
    Fixture("gpt2-scaled", gpt2(n_inner=None, scale_attn_by_inverse_layer_idx=True, layer_norm_epsilon=1e-3, activation_function="relu"), "bfloat16, names with `transformer.`, n_inner left to 4 × hidden, scores divided by the layer's number, relu", dtype=torch.bfloat16),
    Fixture("gpt2-untied", gpt2(tie_word_embeddings=False, scale_attn_weights=False), "pytorch_model.bin in two shards, untied, scores not divided by √D", bin=True, shards=2),
    Fixture("gpt-neox-published", gpt_neox(rope_parameters=dict(rope_type="default", rope_theta=100.0, partial_rotary_factor=0.25)), "rotary_pct 0.25, embed_out, buffers of old versions, float16", dtype=torch.float16, edit_state=pythia_as_published, edit_config=pythia_config),
    Fixture("gpt-neox-sequential", gpt_neox(use_parallel_residual=False, attention_bias=False, hidden_act="gelu_new", rope_parameters=dict(LINEAR, partial_rotary_factor=0.5)), "use_parallel_residual false, no biases in attention, half of each head rotated, linear scaling, names of today"),
    Fixture("gpt-neox-tied", gpt_neox(tie_word_embeddings=True), "tied, all positions left to the defaults", edit_config=without("rope_parameters", "hidden_act")),
    Fixture("smollm3-published", smollm3(num_hidden_layers=5, use_sliding_window=True, sliding_window=7), "bfloat16, the fourth of five layers without positions and with a window, told by the defaults", dtype=torch.bfloat16, edit_config=without("layer_types", "no_rope_layers")),
    Fixture("smollm3-listed", smollm3(num_key_value_heads=4, attention_bias=True, mlp_bias=True, tie_word_embeddings=False, no_rope_layers=[0, 1], layer_types=["full_attention", "full_attention"]), "biases, untied, the first layer without positions, told by no_rope_layers", edit_config=old_rope()),
    Fixture("phi3-window", phi3(sliding_window=7, rope_parameters=dict(rope_type="default", rope_theta=100.0, partial_rotary_factor=0.5), head_dim=8), "fused projections, window 7, half of each head rotated, head_dim 8"),
    Fixture("phi3-longrope", phi3(num_key_value_heads=4, max_position_embeddings=64, original_max_position_embeddings=16, rope_parameters=dict(LONGROPE)), "longrope with both sets of factors: one sample is longer than original_max_position_embeddings 16", edit_config=phi3_as_published),
    Fixture("phi3-longrope-partial", phi3(hidden_size=32, tie_word_embeddings=True, max_position_embeddings=64, original_max_position_embeddings=24, rope_parameters=dict(LONGROPE, attention_factor=1.25, partial_rotary_factor=0.5)), "longrope on half of each head, an attention_factor, tied"),
    Fixture("gemma2-published", gemma2(attn_logit_softcapping=0.7, final_logit_softcapping=2.0), "bfloat16, window 7 in layers 0 and 2, told by the default, caps so low that they count", dtype=torch.bfloat16, edit_config=gemma2_as_published),
    Fixture("gemma2-capped-attention", gemma2(attn_logit_softcapping=0.5, final_logit_softcapping=None, num_key_value_heads=1, head_dim=20, num_hidden_layers=2, layer_types=["full_attention", "full_attention"]), "attention capped and the vocabulary not, no window, one key/value head, head_dim 20"),
    Fixture("gemma2-capped-vocabulary", gemma2(attn_logit_softcapping=None, final_logit_softcapping=1.5, attention_bias=True, tie_word_embeddings=False, num_hidden_layers=2), "the vocabulary capped and attention not, biases, untied"),
    Fixture("gemma3-published", gemma3(layer_types=["sliding_attention", "full_attention", "sliding_attention"], rope_parameters=dict(full_attention=dict(LINEAR), sliding_attention=dict(rope_type="default", rope_theta=50.0))), "bfloat16, window 7 in layers 0 and 2, two bases of rotary positions, linear scaling in layer 1", dtype=torch.bfloat16, edit_config=gemma3_as_published),
    Fixture("gemma3-defaults", gemma3(num_hidden_layers=6, hidden_size=8, num_attention_heads=2, num_key_value_heads=1, attention_bias=True, tie_word_embeddings=False), "six layers, of which the last sees everything, told by the default; biases, untied", edit_config=without("layer_types", "rope_parameters")),
]


def fill(model, seed):
    """Random weights in a fixed order: the same seed gives the same weights, whatever transformers' own initialisation does."""
    generator = torch.Generator().manual_seed(seed)
    zero_centred = model.config.model_type.startswith("gemma")
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            noise = torch.randn(p.shape, generator=generator, dtype=torch.float64)
            if p.dim() == 1 and name.endswith("weight"):
                value = 0.25 * noise + (0.0 if zero_centred else 1.0)
            elif p.dim() == 1:
                value = 0.3 * noise
            elif any(part in name for part in ("embed", "wte", "wpe")):
                value = 0.5 * noise
            elif any(part in name for part in ("q_proj", "k_proj", "c_attn", "query_key_value", "qkv_proj")):
                value = 0.35 * noise
            else:
                value = 0.25 * noise
            p.copy_(value)


def make_samples(fixture, load, seed):
    """Each sample is drawn until no head's saliency has cancelled away, which happens easily in the shortest ones (one token
    attends to one): the tests' tolerance is relative to it, and is to judge the implementation, not the cancellation."""
    draw, layers, samples = random.Random(seed), fixture.config.num_hidden_layers, []
    for tokens, prompt in fixture.lengths:
        drawn = []
        while len(drawn) < 200 and not (drawn and drawn[-1][0] > 0.15):
            ids = [draw.randrange(3, fixture.config.vocab_size) for _ in range(tokens)]
            if tokens > 2:
                ids[0] = fixture.config.bos_token_id
                ids[-1] = fixture.config.eos_token_id
            sample = {"ids": ids, "prompt_length": prompt}
            saliency = measure(load, [sample], layers, lambda each: each[0].mean())[2]["saliency"]
            drawn.append(((saliency.min() / saliency.max()).item(), sample))
        samples.append(max(drawn, key=lambda d: d[0])[1])
    return samples


def measure(load, samples, layers, reduce):
    """Logits, losses and scores of samples that share a loss; `reduce` makes it from the per-label losses of each."""
    model = load()
    logits, each, kept = [], [], []
    for sample in samples:
        ids = torch.tensor([sample["ids"]])
        out = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0]
        out = out.to(torch.promote_types(out.dtype, torch.float32))
        first = max(sample["prompt_length"], 1)
        each.append(torch.nn.functional.cross_entropy(out[first - 1 : -1], ids[0, first:], reduction="none"))
        logits.append(out.detach())
        kept.append(dict(attention_probe._kept))
    reduce(each).backward()
    scores = []
    for matrices in kept:
        attention_probe._kept.update(matrices)
        scores.append(attention_probe.take(layers))
    return logits, [e.detach() for e in each], {n: torch.cat([s[n] for s in scores]) for n in SCORES}


def loader(folder, dtype):
    def load():
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()
        if dtype == torch.float64:
            attention_probe.widen_norms(model)
        attention_probe.attach(model)
        return model

    return load


def golden(folder, fixture, samples, dtype):
    """Every sample alone in a fresh model (dynamic rotary scaling keeps state), then four at a time with the shared loss."""

    load = loader(folder, dtype)
    layers, result, parts = fixture.config.num_hidden_layers, {}, []
    for sample in samples:
        parts.append(measure(load, [sample], layers, lambda each: each[0].mean()))
    result["logits"] = torch.cat([p[0][0] for p in parts])
    result["loss"] = torch.stack([p[1][0].mean() for p in parts])
    for name in SCORES:
        result[name] = torch.cat([p[2][name] for p in parts])
    # A sample's gradient under the shared loss is its own, times its share of the labels. Shown where nothing hinders it.
    labels = [len(p[1][0]) for p in parts]
    batch_losses, shares = [], []
    for first in range(0, len(samples), 4):
        total = sum(labels[first : first + 4])
        batch_losses.append(sum(p[1][0].sum() for p in parts[first : first + 4]) / total)
        shares += [n / total for n in labels[first : first + 4]]
    result["batch4.loss"] = torch.stack(batch_losses)
    for name in SCORES:
        result[f"batch4.{name}"] = result[name] * torch.tensor(shares, dtype=result[name].dtype)[:, None, None]
    rope = getattr(fixture.config, "rope_parameters", None) or {}
    if dtype == torch.float64 and rope.get("rope_type") != "dynamic":
        for first in range(0, len(samples), 4):
            _, _, shared = measure(load, samples[first : first + 4], layers, lambda each: torch.cat(each).mean())
            for name in SCORES:
                torch.testing.assert_close(shared[name], result[f"batch4.{name}"][first : first + 4], rtol=1e-9, atol=1e-12)
    return result


def save_weights(state, folder, fixture):
    state = {k: v.detach().to(fixture.dtype).contiguous().clone() for k, v in state.items()}
    names, extension = sorted(state), "bin" if fixture.bin else "safetensors"
    stem = "pytorch_model" if fixture.bin else "model"

    def write(part, file):
        if fixture.bin:
            torch.save(part, folder / file)
        else:
            save_file(part, folder / file, metadata={"format": "pt"})

    if fixture.shards == 1 and fixture.bin:
        # A model's state_dict() is an OrderedDict that carries versions in an attribute; the pickle holds both.
        whole = collections.OrderedDict((n, state[n]) for n in names)
        whole._metadata = collections.OrderedDict({"": {"version": 1}})
        return write(whole, "pytorch_model.bin")
    if fixture.shards == 1:
        return write({n: state[n] for n in names}, f"{stem}.{extension}")
    index = {}
    for i in range(fixture.shards):
        file = f"{stem}-{i + 1:05}-of-{fixture.shards:05}.{extension}"
        part = names[i :: fixture.shards]
        write({n: state[n] for n in part}, file)
        index.update({n: file for n in part})
    size = sum(v.nbytes for v in state.values())
    text = json.dumps({"metadata": {"total_size": size}, "weight_map": dict(sorted(index.items()))}, indent=2)
    (folder / f"{stem}.{extension}.index.json").write_text(text + "\n")


def make(fixture, out, seed):
    folder = out / fixture.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    config = copy.deepcopy(fixture.config)
    config.dtype = fixture.dtype
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float64).eval()
    fill(model, seed)
    model = model.to(fixture.dtype)
    written = model.state_dict()
    if config.tie_word_embeddings:
        written.pop("lm_head.weight", None)
    save_weights(fixture.edit_state(dict(written)), folder, fixture)
    config.architectures = [type(model).__name__]
    config.save_pretrained(folder)
    described = json.loads((folder / "config.json").read_text())
    described["dtype"] = str(fixture.dtype).removeprefix("torch.")
    fixture.edit_config(described)
    (folder / "config.json").write_text(json.dumps(described, indent=2) + "\n")

    # What transformers reads back must be what was meant.
    again = AutoModelForCausalLM.from_pretrained(folder, dtype=fixture.dtype).eval()
    if not fixture.changed:
        for (name, a), (_, b) in zip(sorted(model.named_parameters()), sorted(again.named_parameters()), strict=True):
            assert torch.equal(a, b), f"{fixture.name}: {name} is not read back"

    samples = make_samples(fixture, loader(folder, torch.float64), seed)
    (folder / "samples.json").write_text("[\n" + ",\n".join(json.dumps(s) for s in samples) + "\n]\n")
    result = golden(folder, fixture, samples, torch.float64)
    about = {"script": "scripts/goldens/models.py", "about": fixture.about, "seed": seed, "torch": torch.__version__, "transformers": transformers.__version__}
    if fixture.dtype == torch.bfloat16:
        low = golden(folder, fixture, samples, torch.bfloat16)
        result |= {f"bfloat16.{n}": low[n] for n in ["logits", "loss"] + SCORES}
        away = (low["logits"] - result["logits"]).abs().max() / result["logits"].abs().max()
        about["bfloat16"] = f"logits computed in bfloat16 are off by at most {away:.2e} of the largest logit"
    # One metadata entry, because safetensors writes several in no fixed order.
    provenance = {"provenance": json.dumps(about)}
    save_file({n: t.to(torch.float32).contiguous() for n, t in result.items()}, folder / "golden.safetensors", metadata=provenance)
    size = sum(f.stat().st_size for f in folder.iterdir())
    least = (result["saliency"].flatten(1).min(1).values / result["saliency"].flatten(1).max(1).values).min()
    cancel = (result["magnitude"] / result["saliency"]).median()
    print(f"{fixture.name:28} {size / 1024:6.0f} kB  loss {result['loss'].mean():.3f}  least/largest saliency {least:.3f}  magnitude/saliency {cancel:.3f}")


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--only", default="*", help="fixtures whose name fits this pattern")
    a.add_argument("--out", type=pathlib.Path, default=root / "Tests" / "Goldens" / "Fixtures")
    o = a.parse_args()
    torch.set_num_threads(1)
    for fixture in FIXTURES:
        if fnmatch.fnmatch(fixture.name, o.only):
            make(fixture, o.out, seed=zlib.crc32(fixture.name.encode()))


if __name__ == "__main__":
    main()
