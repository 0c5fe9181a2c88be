"""The shape of a decoder-only transformer, whatever file it came from. A frozen value; knows no tensors."""

from dataclasses import dataclass

__all__ = ["ModelConfig", "RopeScaling"]


@dataclass(frozen=True, slots=True)
class RopeScaling:
    """How rotary frequencies are stretched beyond the trained length.

    `kind` is `linear` (all by `factor`) or `llama3` (low frequencies by `factor`, high ones not, smooth between).
    Source: Llama 3.1's reference code for `llama3`; Chen et al. (arXiv 2306.15595) for `linear`.
    """

    kind: str
    factor: float
    low_frequency_factor: float = 1.0
    high_frequency_factor: float = 4.0
    original_positions: int = 8192


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Everything that a forward pass must know besides the weights.

    `architecture` is one of llama, mistral, qwen2, qwen3, gemma, gemma2, gemma3. Scales of 1 and caps of None do
    nothing. `layer_is_sliding` says for each layer whether it sees only the last `sliding_window` positions.
    """

    architecture: str
    num_layers: int
    hidden_size: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    intermediate_size: int
    vocabulary_size: int
    max_positions: int
    norm_epsilon: float
    rope_theta: float
    rope_scaling: RopeScaling | None = None
    sliding_rope_theta: float | None = None  # Gemma 3: local layers rotate with a theta of their own, unscaled
    activation: str = "silu"  # or gelu_tanh
    norm_adds_one: bool = False  # Gemma: a norm's weight w scales by 1 + w
    has_query_key_norm: bool = False  # Qwen 3, Gemma 3: queries and keys are normalised a head
    has_attention_bias: bool = False  # Qwen 2: query, key and value have biases
    has_output_bias: bool = False  # of attention's output; with `attention_bias` in a file of Llama or Qwen 3
    has_post_norms: bool = False  # Gemma 2, 3: what attention and MLP return is normalised too
    embedding_scale: float = 1.0  # Gemma: sqrt(hidden_size), rounded to the weights' type
    attention_scale: float | None = None  # None is 1 / sqrt(head_dim)
    attention_softcap: float | None = None
    logit_softcap: float | None = None
    sliding_window: int | None = None
    layer_is_sliding: tuple[bool, ...] = ()
    has_tied_embedding: bool = True
    end_tokens: tuple[int, ...] = ()

    @property
    def query_scale(self) -> float:
        """The factor of query times key before the softmax."""
        return self.attention_scale if self.attention_scale is not None else self.head_dim**-0.5

    def is_sliding(self, layer: int) -> bool:
        """Whether a layer sees only the last `sliding_window` positions."""
        return bool(self.layer_is_sliding) and self.layer_is_sliding[layer]

    @property
    def queries_per_kv_head(self) -> int:
        """Query heads that share a head of keys and values."""
        return self.num_heads // self.num_kv_heads
