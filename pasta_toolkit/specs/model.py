"""The shape of a decoder-only transformer and what follows from it by counting. Knows no device and no time."""

from dataclasses import dataclass

from pasta_toolkit.specs.errors import SpecError

__all__ = ["Matrix", "ModelSpec"]

POSITIVE = (
    "num_layers",
    "hidden_size",
    "feed_forward_size",
    "num_query_heads",
    "num_kv_heads",
    "head_size",
    "vocabulary_size",
    "weight_bytes",
    "kv_bytes",
)


@dataclass(frozen=True, slots=True)
class Matrix:
    """One weight matrix of a step's products: `count` times (rows, `inner_size`) @ (`inner_size`, `outer_size`)."""

    name: str
    count: int
    outer_size: int
    inner_size: int

    @property
    def num_weights(self) -> int:
        """Return the number of weights of all its copies."""
        return self.count * self.outer_size * self.inner_size


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Describe a model by its shape; `weight_bytes` and `kv_bytes` are bytes per number (2 for bf16).

    `num_sliding_window_layers` layers see only the last `sliding_window_tokens` tokens. `unverified` names fields
    without a source. The published count of parameters usually includes norms and biases; so does `num_parameters`.
    """

    name: str
    num_layers: int
    hidden_size: int
    feed_forward_size: int
    num_query_heads: int
    num_kv_heads: int
    head_size: int
    vocabulary_size: int
    has_tied_embeddings: bool
    source: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    has_gated_feed_forward: bool = True
    has_query_key_norm: bool = False
    has_query_key_value_bias: bool = False
    norms_per_layer: int = 2
    sliding_window_tokens: int | None = None
    num_sliding_window_layers: int = 0
    weight_bytes: float = 2
    kv_bytes: float = 2
    unverified: tuple[str, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse shapes that no model can have."""
        for key in POSITIVE:
            if not 0 < getattr(self, key) < float("inf"):
                raise SpecError(f"{self.name!r}: {key} is {getattr(self, key)}; it must be a positive number")
        if self.num_query_heads % self.num_kv_heads:
            raise SpecError(
                f"{self.name!r}: num_query_heads is {self.num_query_heads};"
                f" it must be a multiple of num_kv_heads, {self.num_kv_heads}"
            )
        if not 0 <= self.num_sliding_window_layers <= self.num_layers:
            raise SpecError(
                f"{self.name!r}: num_sliding_window_layers must lie between 0 and num_layers, {self.num_layers}"
            )
        if self.num_sliding_window_layers and not self.sliding_window_tokens:
            raise SpecError(f"{self.name!r}: layers with a sliding window need sliding_window_tokens")
        if not self.source:
            raise SpecError(f"{self.name!r}: source is empty; say where the values come from")

    def matrices(self, tensor_parallel: int = 1) -> tuple[Matrix, ...]:
        """Return the matrices that one device multiplies with in a step, the output head last.

        Source: Shoeybi et al., Megatron-LM (2019): columns of the first and rows of the second matrix of each pair are
        split; kv heads are repeated where there are fewer of them than devices.
        """
        self.check_tensor_parallel(tensor_parallel)
        query_size = self.num_query_heads * self.head_size // tensor_parallel
        kv_size = self.kv_heads_per_device(tensor_parallel) * self.head_size
        feed_forward_size = self.feed_forward_size // tensor_parallel
        num_inputs = 2 if self.has_gated_feed_forward else 1
        return (
            Matrix("query_key_value", self.num_layers, query_size + 2 * kv_size, self.hidden_size),
            Matrix("attention_output", self.num_layers, self.hidden_size, query_size),
            Matrix("feed_forward_input", self.num_layers, num_inputs * feed_forward_size, self.hidden_size),
            Matrix("feed_forward_output", self.num_layers, self.hidden_size, feed_forward_size),
            Matrix("output_head", 1, -(-self.vocabulary_size // tensor_parallel), self.hidden_size),
        )

    def check_tensor_parallel(self, tensor_parallel: int) -> None:
        """Refuse a degree that does not divide the heads and the feed-forward layer.

        Raises:
            SpecError: the degree is below 1 or does not divide them.
        """
        if tensor_parallel < 1 or self.num_query_heads % tensor_parallel or self.feed_forward_size % tensor_parallel:
            raise SpecError(
                f"tensor parallel degree {tensor_parallel} does not suit {self.name!r}:"
                f" it must divide its {self.num_query_heads} query heads"
                f" and its feed-forward size {self.feed_forward_size}"
            )

    def kv_heads_per_device(self, tensor_parallel: int = 1) -> int:
        """Return how many kv heads a device holds; at least one."""
        return -(-self.num_kv_heads // tensor_parallel)

    @property
    def num_matrix_parameters(self) -> int:
        """Return the parameters of all matrices and of the embedding, counted once where it is tied to the head."""
        embedding = 0 if self.has_tied_embeddings else self.vocabulary_size * self.hidden_size
        return sum(matrix.num_weights for matrix in self.matrices()) + embedding

    @property
    def num_vector_parameters(self) -> int:
        """Return the parameters of norms and biases."""
        norms = (self.norms_per_layer * self.num_layers + 1) * self.hidden_size
        query_key_norms = 2 * self.num_layers * self.head_size if self.has_query_key_norm else 0
        bias_size = (self.num_query_heads + 2 * self.num_kv_heads) * self.head_size
        return norms + query_key_norms + (self.num_layers * bias_size if self.has_query_key_value_bias else 0)

    @property
    def num_parameters(self) -> int:
        """Return the number of parameters, norms and biases included."""
        return self.num_matrix_parameters + self.num_vector_parameters

    @property
    def total_weight_bytes(self) -> float:
        """Return the bytes that the weights occupy."""
        return self.num_parameters * self.weight_bytes

    def weight_bytes_per_step(self, num_tokens: int = 1, *, tensor_parallel: int = 1) -> float:
        """Return the weight bytes that one device reads in a step: each matrix once, the embedding only by rows."""
        matrices = sum(matrix.num_weights for matrix in self.matrices(tensor_parallel))
        rows = min(num_tokens, self.vocabulary_size) * self.hidden_size
        return (matrices + self.num_vector_parameters + rows) * self.weight_bytes

    def kv_bytes_per_token(self, tensor_parallel: int = 1) -> float:
        """Return the bytes of KV cache that one device keeps for one token, before any sliding window.

        Source: 2 (key and value) x layers x kv heads x head size x bytes; Ainslie et al., GQA (2023).
        """
        return 2 * self.num_layers * self.kv_heads_per_device(tensor_parallel) * self.head_size * self.kv_bytes

    def flops_per_token(self, context_tokens: int = 0) -> float:
        """Return the floating-point operations of one decoded token.

        They are 2 per matrix weight, and 4 per query number and attended token.
        Source: Kaplan et al., Scaling laws (2020), table 1, with the attention term written out.
        """
        matrices = sum(matrix.num_weights for matrix in self.matrices())
        return 2 * matrices + 4 * self.num_query_heads * self.head_size * self.attended_tokens(context_tokens)

    def attended_tokens(self, context_tokens: float) -> float:
        """Return the context tokens that all layers together attend to."""
        window = self.sliding_window_tokens or context_tokens
        full_layers = self.num_layers - self.num_sliding_window_layers
        return full_layers * context_tokens + self.num_sliding_window_layers * min(context_tokens, window)
