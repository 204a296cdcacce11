"""Lists what transformers' configuration classes know, and measures what each key does to a model.

    "$(scripts/python)" scripts/goldens/configurations.py [--out FILE]

Writes Tests/LanguageModelsTests/Fixtures/configurations.json:

    shared            of the base class: the keys that every family accepts besides its own (the dataclass fields, what `__post_init__`
                      and the rotary mixin take, and the parameters of generation, which are dropped)
    families          by model_type:
        architecture  the class of the model
        defaults      each of the class's own fields and what a missing one means
        not_null      the fields for which null is an error
        effects       for every key of the class, of the base and of a list that old or foreign files hold, what other values than the
                      base model's do: `none` (logits equal to 1e-5: eager attention takes its softmax in float32), `numbers` (other logits), `shapes` (other parameters),
                      `error` (no model); the strongest of the values tried

`return_dict` is not tried: it is the form in which Python gets its outputs.
The base model of a family is tiny, random, and so configured that every key of the class can show an effect.
"""
import argparse, copy, dataclasses, json, logging, pathlib, warnings

import torch, transformers
from transformers import AutoModelForCausalLM
from transformers.configuration_utils import PreTrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

root = pathlib.Path(__file__).resolve().parents[2]

ROTARY = dict(
    vocab_size=32, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
    max_position_embeddings=8, rms_norm_eps=1e-3, rope_parameters=dict(rope_type="default", rope_theta=100.0), bos_token_id=1, eos_token_id=2, pad_token_id=0)
WINDOW = dict(use_sliding_window=True, sliding_window=4, max_window_layers=1)
BASES = {
    "llama": ROTARY,
    "gemma": ROTARY | dict(head_dim=4),
    "mistral": ROTARY | dict(sliding_window=4),
    "qwen2": ROTARY | WINDOW,
    "qwen3": ROTARY | WINDOW | dict(head_dim=4),
    "olmo2": ROTARY,
    "gpt2": dict(vocab_size=32, n_embd=16, n_layer=2, n_head=4, n_positions=16, bos_token_id=1, eos_token_id=2, pad_token_id=0),
    "gpt_neox": dict(
        vocab_size=32, hidden_size=64, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=8, bos_token_id=1, eos_token_id=2, pad_token_id=0,
        rope_parameters=dict(rope_type="default", rope_theta=100.0, partial_rotary_factor=0.5)),
    "smollm3": ROTARY | dict(num_hidden_layers=4, no_rope_layer_interval=2, use_sliding_window=True, sliding_window=4),
    "phi3": ROTARY | dict(sliding_window=4, original_max_position_embeddings=8),
    "gemma2": ROTARY | dict(head_dim=4, sliding_window=4, attn_logit_softcapping=0.5, final_logit_softcapping=2.0),
    "gemma3_text": ROTARY | dict(head_dim=4, sliding_window=4, sliding_window_pattern=2, rope_parameters=dict(
        full_attention=dict(rope_type="default", rope_theta=100.0), sliding_attention=dict(rope_type="default", rope_theta=50.0))),
    "opt": dict(vocab_size=32, hidden_size=16, ffn_dim=24, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=16, bos_token_id=2, eos_token_id=2, pad_token_id=1),
}
SCALED = dict(rope_theta=100.0, factor=4.0)
# Values to try in place of the base model's. The base class accepts what no class declares, so all are tried on every family.
TRIALS = {
    "vocab_size": [40], "hidden_size": [32], "intermediate_size": [40], "ffn_dim": [40], "num_hidden_layers": [1], "num_attention_heads": [2, 8],
    "num_key_value_heads": [1, 4], "head_dim": [8], "hidden_act": ["relu", "gelu", "gelu_pytorch_tanh"], "hidden_activation": ["relu", "gelu"], "activation_function": ["gelu"],
    "max_position_embeddings": [12, 24], "initializer_range": [0.5], "init_std": [0.5], "rms_norm_eps": [1e-1], "use_cache": [False],
    "pad_token_id": [5, None], "bos_token_id": [5, None], "eos_token_id": [5, None, [3, 4]], "pretraining_tp": [2], "tie_word_embeddings": [True, False],
    "rope_parameters": [dict(rope_type="linear", **SCALED), dict(rope_type="default", rope_theta=7.0)],
    "rope_scaling": [dict(rope_type="linear", factor=4.0), dict(type="yarn", factor=4.0, original_max_position_embeddings=4)],
    "rope_theta": [7.0], "partial_rotary_factor": [0.5], "original_max_position_embeddings": [4],
    "attention_bias": [True, False], "mlp_bias": [True], "attention_dropout": [0.9], "dropout": [0.9], "activation_dropout": [0.9], "layerdrop": [0.9],
    "use_bidirectional_attention": [True], "is_causal": [False], "is_decoder": [True], "is_encoder_decoder": [True],
    "use_sliding_window": [False, True], "sliding_window": [3, None], "max_window_layers": [0, 2],
    "layer_types": [["full_attention", "sliding_attention"], ["full_attention"] * 2, ["sliding_attention"] * 2],
    "do_layer_norm_before": [False], "_remove_final_layer_norm": [True], "word_embed_proj_dim": [8], "enable_bias": [False],
    "layer_norm_elementwise_affine": [False], "per_layer_config": [{"1": {"intermediate_size": 40}}],
    "transformers_version": ["0"], "architectures": [["Other"]], "output_hidden_states": [True], "dtype": ["bfloat16"],
    "torch_dtype": ["bfloat16"], "chunk_size_feed_forward": [2], "id2label": [{"0": "a"}], "label2id": [{"a": 0}], "num_labels": [3],
    "problem_type": ["regression"], "name_or_path": ["x"], "_name_or_path": ["x"], "_commit_hash": ["x"], "output_attentions": [True],
    "attn_implementation": ["eager"], "experts_implementation": ["eager"], "gradient_checkpointing": [True], "attention_chunk_size": [2],
    "auto_map": [{"AutoConfig": "x.Y"}], "tokenizer_class": ["X"], "prefix": ["</s>"], "tie_encoder_decoder": [True], "torchscript": [True],
    "tie_last_hidden_states": [False], "pruned_heads": [{"0": [0]}], "temperature": [0.1], "unheard_of": [1],
    "n_embd": [32], "n_layer": [1], "n_head": [2], "n_positions": [24], "n_inner": [40], "n_ctx": [24], "layer_norm_epsilon": [1e-1],
    "resid_pdrop": [0.9], "embd_pdrop": [0.9], "attn_pdrop": [0.9], "scale_attn_weights": [False], "scale_attn_by_inverse_layer_idx": [True],
    "reorder_and_upcast_attn": [True], "add_cross_attention": [True], "summary_type": ["last"], "summary_use_proj": [False],
    "summary_activation": ["tanh"], "summary_proj_to_labels": [False], "summary_first_dropout": [0.9],
    "use_parallel_residual": [False], "layer_norm_eps": [1e-1], "hidden_dropout": [0.9], "classifier_dropout": [0.9], "rotary_pct": [0.5],
    "rotary_emb_base": [7.0], "no_rope_layers": [[1, 1, 0, 0]], "no_rope_layer_interval": [3], "query_pre_attn_scalar": [16],
    "final_logit_softcapping": [1.0, None], "attn_logit_softcapping": [1.0, None], "sliding_window_pattern": [3], "rope_local_base_freq": [7.0],
    "_sliding_window_pattern": [3], "cache_implementation": ["hybrid"], "full_attn_mod": [2], "interpolate_factor": [2], "lm_head_bias": [True],
}
# With these rotary parameters the keys beside them show what they do.
ROPE_TRIALS = {
    "original_max_position_embeddings": dict(rope_type="llama3", low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=8, **SCALED),
    "partial_rotary_factor": dict(rope_type="linear", **SCALED),
    "max_position_embeddings": dict(rope_type="dynamic", **SCALED),
    "rope_theta": dict(rope_type="default"),
    "rotary_pct": dict(rope_type="default"),
    "rotary_emb_base": dict(rope_type="default"),
    "rope_local_base_freq": dict(rope_type="default"),
}


def build(family, described):
    torch.manual_seed(0)
    config = CONFIG_MAPPING[family].from_dict(copy.deepcopy(described))
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float64).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for _, p in sorted(model.named_parameters()):
            p.copy_(torch.randn(p.shape, generator=generator, dtype=torch.float64) * 0.4)
    return model


def logits(family, described):
    model = build(family, described)
    shapes = {n: tuple(p.shape) for n, p in model.named_parameters()}
    ids = torch.arange(3, 15)[None]
    with torch.no_grad():
        out = model(input_ids=ids)
    return shapes, out.logits


def effect(family, base, key, value):
    try:
        shapes, found = logits(family, base | {key: value})
    except Exception:
        return "error"
    shapes_before, before = logits(family, {k: v for k, v in base.items()})
    if shapes != shapes_before:
        return "shapes"
    return "none" if torch.allclose(found, before, rtol=1e-5, atol=1e-5) else "numbers"


def strongest(effects):
    return max(effects, key=["none", "numbers", "shapes", "error"].index)


def refuses_null(cls, key):
    try:
        cls.from_dict({key: None})
        return False
    except Exception:
        return True


def describe(family):
    cls = CONFIG_MAPPING[family]
    base_fields = {f.name for f in dataclasses.fields(PreTrainedConfig)}
    own = [f for f in dataclasses.fields(cls) if f.name not in base_fields]
    base = BASES[family]
    effects = {}
    for key, values in TRIALS.items():
        found = [effect(family, base, key, v) for v in values]
        if key in ROPE_TRIALS and "rope_parameters" in base:
            # Where layers differ, those that see everything are tried.
            trial = {"full_attention": ROPE_TRIALS[key]} if "full_attention" in base["rope_parameters"] else ROPE_TRIALS[key]
            found += [effect(family, base | {"rope_parameters": trial}, key, v) for v in values]
        effects[key] = strongest(found)
    missing = [f.name for f in own if f.name not in TRIALS]
    assert not missing, f"{family}: no trial for {missing}"
    return {
        "architecture": type(build(family, base)).__name__,
        "defaults": {f.name: f.default for f in sorted(own, key=lambda f: f.name)},
        "not_null": sorted(f.name for f in own if refuses_null(cls, f.name)),
        "effects": effects,
    }


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--out", type=pathlib.Path, default=root / "Tests" / "LanguageModelsTests" / "Fixtures" / "configurations.json")
    o = a.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity(logging.CRITICAL)
    # What `PreTrainedConfig.__post_init__` and `RotaryEmbeddingConfigMixin.convert_rope_params_to_dict` take out of the keys.
    taken = ["torch_dtype", "num_labels", "rope_scaling", "rope_theta", "partial_rotary_factor", "name_or_path", "_commit_hash", "output_attentions", "attn_implementation", "experts_implementation", "per_layer_config"]
    result = {
        "provenance": {"script": "scripts/goldens/configurations.py", "torch": torch.__version__, "transformers": transformers.__version__},
        "shared": {
            "fields": sorted(f.name for f in dataclasses.fields(PreTrainedConfig)),
            "taken": sorted(taken),
            "generation": sorted(transformers.GenerationConfig._get_default_generation_params()),
        },
        "families": {family: describe(family) for family in BASES},
    }
    o.out.write_text(json.dumps(result, indent=1) + "\n")
    for family, found in result["families"].items():
        print(family, {k: v for k, v in found["effects"].items() if v != "none"})


if __name__ == "__main__":
    main()
