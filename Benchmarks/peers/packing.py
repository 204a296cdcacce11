"""What both rivals share: samples end to end, attention sample by sample, and freed memory that stays with the process."""
import ctypes, os
import torch
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

SHORTEST_FUSED = 513  # tokens from which the fused kernel is the faster one
_masks: dict[tuple[int, int], torch.Tensor] = {}


def no_mask(name):
    """Registers an attention that needs no mask from transformers."""
    ALL_MASK_ATTENTION_FUNCTIONS.register(name, lambda *args, **kwargs: None)


def keep_freed_memory():
    """Freed blocks stay with the process: without it every large tensor is fresh pages, which the kernel has to clear."""
    if os.uname().sysname == "Linux":
        library = ctypes.CDLL(None)
        library.mallopt(-4, 0); library.mallopt(-1, -1)  # M_MMAP_MAX, M_TRIM_THRESHOLD


def _products(q, k, v, scale):
    """Causal attention of one sample, [1, H, T, D], by matrix products: on CPUs they beat the fused kernel while T is short."""
    (_, heads, t, d), groups = q.shape, q.shape[1] // k.shape[1]
    if (groups, t) not in _masks:
        _masks[groups, t] = torch.full((t, t), float("-inf"), dtype=q.dtype).triu_(1).repeat(groups, 1)[None]
    scores = torch.baddbmm(_masks[groups, t], q.reshape(-1, groups * t, d), k[0].transpose(1, 2), alpha=scale)
    return (scores.softmax(-1) @ v[0]).view(1, heads, t, d)


def attend(query, key, value, scale, lengths, shortest_fused=SHORTEST_FUSED):
    """Causal attention within each of the samples laid end to end: [1, H, T, D] in, a [1, T of the sample, H, D] for each out."""
    parts = []
    for q, k, v in zip(*(x.split(lengths, dim=2) for x in (query, key, value))):  # split: its backward pass is one concatenation
        if q.shape[2] < shortest_fused:
            parts.append(_products(q, k, v, scale).transpose(1, 2))
        else:
            parts.append(torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale, enable_gqa=k.shape[1] != q.shape[1]).transpose(1, 2))
    return parts


def batches(samples, most_tokens):
    """The samples, shortest first, in batches of at most `most_tokens` tokens."""
    result, count = [], 0
    for sample in sorted(samples, key=lambda s: len(s[0])):
        if not result or count + len(sample[0]) > most_tokens:
            result.append([]); count = 0
        result[-1].append(sample); count += len(sample[0])
    return result
