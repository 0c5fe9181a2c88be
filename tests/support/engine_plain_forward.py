"""The engine's independent oracle: transformers' own model, one pass over a whole sequence, no code of the engine.

Who sees whom is an explicit matrix, given as an additive float mask: a boolean 4-D mask is right under sdpa and wrong
under eager attention. A mask of four dimensions replaces the windows of sliding layers: they are cut here, by position.
"""

import torch
from transformers import PreTrainedModel

__all__ = ["plain_logits"]


@torch.no_grad()
def plain_logits(
    hf_model: PreTrainedModel, tokens: torch.Tensor, positions: torch.Tensor, visible: torch.Tensor
) -> torch.Tensor:
    """Return the logits (n, vocabulary) of tokens (n,) at positions (n,); row i of visible (n, n) is what i sees."""
    assert hf_model.dtype == torch.float32
    assert bool(visible.diagonal().all()), "a token sees itself"
    config = hf_model.config
    full = _additive(visible)
    window = getattr(config, "sliding_window", None)
    if window is not None:
        near = positions[:, None] - positions[None, :] < window
        sliding = _additive(visible & near)
        has_kinds = config.model_type != "mistral"  # all layers of Mistral slide, and its model takes one mask
        mask = {"full_attention": full, "sliding_attention": sliding} if has_kinds else sliding
    else:
        mask = {"full_attention": full} if config.model_type in {"qwen2", "qwen3", "gemma2", "gemma3_text"} else full
    output = hf_model(
        input_ids=tokens[None], position_ids=positions[None], attention_mask=mask, use_cache=False, logits_to_keep=0
    )
    return output.logits[0].float()


def _additive(visible: torch.Tensor) -> torch.Tensor:
    """Return 0 where a token is seen and the least float where not: (1, 1, n, n)."""
    return torch.zeros(visible.shape).masked_fill(~visible, torch.finfo(torch.float32).min)[None, None]
