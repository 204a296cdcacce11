"""The level `signed` of each head as TransformerLens shows it: the sum over a sample's positions of hook_z times its gradient.

    "$(scripts/python)" scripts/goldens/hooked_levels.py

The models are fixtures of Tests/Goldens/Fixtures (scripts/goldens/models.py). Their weights are put into HookedTransformer, TransformerLens's own
model code, by TransformerLens's own conversions; its hooks give each head's output (hook_z) and the gradient of a sample's mean loss by it, in
float64. Written to Tests/ProbingTests/Fixtures:

    hooked_levels.safetensors    FIXTURE.signed [samples, layers, heads], float32

scripts/checks/transformer_lens_agrees.py does the same for models of published shapes.
"""
import json, pathlib, sys

import torch, transformers
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))
from beside import packages  # noqa: E402

packages("transformer-lens", HERE / "transformer_lens_requirements.txt")
from transformer_lens import HookedTransformer, HookedTransformerConfig  # noqa: E402
from transformer_lens.pretrained.weight_conversions import convert_gpt2_weights, convert_llama_weights, convert_neox_weights  # noqa: E402

FIXTURES = ["gpt2-published", "gpt2-scaled", "gpt2-untied", "gpt-neox-published", "gpt-neox-tied"]
ABOUT = {"script": "scripts/goldens/hooked_levels.py", "transformer_lens": "3.9.0", "torch": torch.__version__, "transformers": transformers.__version__}


def hooked(model, dtype):
    """A model of transformers in TransformerLens's own code: GPT-2, GPT-NeoX (Pythia) and Llama (for samples of at most 2,048 tokens)."""
    c = model.config
    common = dict(
        n_layers=c.num_hidden_layers, d_model=c.hidden_size, n_heads=c.num_attention_heads, d_head=c.hidden_size // c.num_attention_heads,
        n_ctx=c.max_position_embeddings, d_vocab=c.vocab_size, normalization_type="LN", dtype=dtype, device="cpu", default_prepend_bos=False)
    if c.model_type == "gpt2":
        config = HookedTransformerConfig(
            **common, d_mlp=c.n_inner or 4 * c.n_embd, act_fn=c.activation_function, eps=c.layer_norm_epsilon, use_attn_scale=c.scale_attn_weights,
            scale_attn_by_inverse_layer_idx=c.scale_attn_by_inverse_layer_idx)
        weights = convert_gpt2_weights(model, config)
    elif c.model_type == "llama":
        assert c.rope_parameters["rope_type"] == "default" and not c.attention_bias and not c.mlp_bias
        # Every layer holds a mask of n_ctx × n_ctx.
        common |= dict(n_ctx=min(c.max_position_embeddings, 2048), normalization_type="RMS")
        config = HookedTransformerConfig(
            **common, final_rms=True, d_mlp=c.intermediate_size, act_fn=c.hidden_act, gated_mlp=True, eps=c.rms_norm_eps, n_key_value_heads=c.num_key_value_heads,
            positional_embedding_type="rotary", rotary_adjacent_pairs=False, rotary_base=c.rope_parameters["rope_theta"], rotary_dim=common["d_head"])
        weights = convert_llama_weights(model, config)
    else:
        rope = c.rope_parameters
        assert rope["rope_type"] == "default" and c.attention_bias
        config = HookedTransformerConfig(
            **common, d_mlp=c.intermediate_size, act_fn=c.hidden_act, eps=c.layer_norm_eps, parallel_attn_mlp=c.use_parallel_residual,
            positional_embedding_type="rotary", rotary_adjacent_pairs=False, rotary_base=rope["rope_theta"],
            rotary_dim=int(common["d_head"] * rope["partial_rotary_factor"]))
        weights = convert_neox_weights(model, config)
    result = HookedTransformer(config)
    result.load_state_dict(result.state_dict() | {n: t.to(dtype) for n, t in weights.items()})
    return result.eval()


def signed_levels(model, samples):
    """Σ over positions and values of hook_z · ∂loss/∂hook_z for each sample, layer and head, [samples, layers, heads], and each sample's mean loss."""
    levels, losses = [], []
    for sample in samples:
        kept = {}

        def keep(z, hook):
            z.retain_grad()
            kept[hook.layer()] = z

        ids = torch.tensor([sample["ids"]])
        model.zero_grad(set_to_none=True)
        logits = model.run_with_hooks(ids, fwd_hooks=[(lambda name: name.endswith("hook_z"), keep)])[0]
        first = max(sample["prompt_length"], 1)
        loss = torch.nn.functional.cross_entropy(logits[first - 1 : -1], ids[0, first:])
        loss.backward()
        levels.append(torch.stack([(kept[i] * kept[i].grad).sum((0, 1, 3)) for i in sorted(kept)]).detach())
        losses.append(loss.item())
    return torch.stack(levels), losses


def main():
    torch.set_num_threads(1)
    result = {}
    for name in FIXTURES:
        folder = ROOT / "Tests" / "Goldens" / "Fixtures" / name
        samples = json.loads((folder / "samples.json").read_text())
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64).eval()
        result[f"{name}.signed"] = signed_levels(hooked(model, torch.float64), samples)[0].float().contiguous()
    save_file(result, ROOT / "Tests" / "ProbingTests" / "Fixtures" / "hooked_levels.safetensors", metadata={"provenance": json.dumps(ABOUT)})


if __name__ == "__main__":
    main()
