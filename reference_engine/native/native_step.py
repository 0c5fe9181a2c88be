"""One forward pass over the KV pool in one native call. Equals the readable step; knows no threads of an answer."""

import weakref
from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch

from reference_engine.errors import EngineError
from reference_engine.model.rotary import inverse_frequencies
from reference_engine.model.weights import LayerWeights, Model
from reference_engine.native.binding import (
    NativeBatch,
    NativeLayer,
    NativeLibrary,
    NativeShape,
    NativeWeights,
    address,
)
from reference_engine.native.build import build_library, instruction_set
from reference_engine.pool.storage import KvStorage
from reference_engine.step.batch import StepBatch

__all__ = ["NativeStep"]

HEAD_SIZES = (16, 32, 64, 96, 128, 256)
FAMILIES = ("llama", "mistral", "qwen2", "qwen3")
MATRICES = ("query", "key", "value", "output", "gate", "up", "down")
NORMS = ("attention_norm", "mlp_norm", "query_norm", "key_norm")
BIASES = ("query_bias", "key_bias", "value_bias", "output_bias")
WORDS: Mapping[str, str] = MappingProxyType({"amx": "AMX tiles", "avx512": "AVX-512", "avx2": "AVX2"})


class NativeStep:
    """The step of one model of the Llama family, its weights packed once: bfloat16, or 8-bit integers a row.

    `instructions` is amx, avx512 or avx2; None is the best of this processor. State: the packed weights, and the
    threads, of which the calling one is the first.

    Raises:
        EngineError: the model is none that the step runs, or the library cannot be had.
    """

    def __init__(
        self,
        model: Model,
        *,
        weight_bits: int = 16,
        num_threads: int | None = None,
        instructions: str | None = None,
        report: Callable[[str], None] | None = None,
    ) -> None:
        _refuse_other_models(model)
        self.config, self.num_threads = model.config, num_threads or torch.get_num_threads()
        self.weight_bits, self.instructions = weight_bits, instructions or instruction_set()
        self._library = NativeLibrary(build_library(self.instructions, report=report))
        self._kept: list[torch.Tensor] = []  # what the native side reads at every step
        weights = model.weights
        self._handle = self._library.open(
            self._shape(),
            NativeWeights(
                address(self._keep(weights.embedding)),
                address(weights.output),
                address(self._keep(weights.final_norm.float())),
                address(self._keep(inverse_frequencies(model.config).contiguous())),
            ),
            [self._layer(index, layer) for index, layer in enumerate(weights.layers)],
        )
        weakref.finalize(self, self._library.close, self._handle)

    @property
    def sentence(self) -> str:
        """What runs, in one sentence."""
        weights = "bfloat16 weights" if self.weight_bits == 16 else "8-bit weights, a scale a row"  # noqa: PLR2004
        threads = f"{self.num_threads} threads" if self.num_threads > 1 else "1 thread"
        return f"native step: one call a step, {weights}, {WORDS[self.instructions]}, {threads}"

    def __call__(self, storage: KvStorage, batch: StepBatch) -> torch.Tensor:
        """Feed a step's tokens: write their keys and values to the pool, return float32 logits (outputs, vocabulary).

        Raises:
            EngineError: the pool's numbers are not bfloat16, or there is no memory.
        """
        entries = storage.entries
        if entries.dtype != torch.bfloat16:
            raise EngineError(f"a KV pool of {entries.dtype} does not fit the native step; give it torch.bfloat16")
        logits = torch.empty(len(batch.outputs), self.config.vocabulary_size)
        self._library.step(
            self._handle,
            NativeBatch(
                *(len(batch.tokens), len(batch.outputs), batch.extent),
                *(address(batch.tokens), address(batch.positions), address(batch.slots)),
                *(address(batch.slot_positions), address(batch.outputs), address(batch.visible)),
                *(address(entries), entries.stride(0), address(logits)),
            ),
        )
        return logits

    def _shape(self) -> NativeShape:
        config = self.config
        return NativeShape(
            *(config.num_layers, config.hidden_size, config.num_heads, config.num_kv_heads, config.head_dim),
            *(config.intermediate_size, config.vocabulary_size, self.num_threads, self.weight_bits),
            *((config.sliding_window or 0) if any(config.layer_is_sliding) else 0, config.norm_epsilon),
            config.query_scale,
        )

    def _layer(self, index: int, layer: LayerWeights) -> NativeLayer:
        return NativeLayer(
            *(address(getattr(layer, name)) for name in MATRICES),
            *(address(self._wide(getattr(layer, name))) for name in (*NORMS, *BIASES)),
            self.config.is_sliding(index),
        )

    def _wide(self, vector: torch.Tensor | None) -> torch.Tensor | None:
        return None if vector is None else self._keep(vector.float())

    def _keep(self, tensor: torch.Tensor) -> torch.Tensor:
        self._kept.append(tensor.contiguous())
        return self._kept[-1]


def _refuse_other_models(model: Model) -> None:
    config = model.config
    if config.architecture not in FAMILIES:
        raise EngineError(f"the native step runs {', '.join(FAMILIES)} and no {config.architecture}")
    if model.dtype != torch.bfloat16 or model.device.type != "cpu":
        raise EngineError(f"the native step needs bfloat16 weights on the CPU, found {model.dtype} on {model.device}")
    if config.head_dim not in HEAD_SIZES:
        raise EngineError(f"the native step has no attention for heads of {config.head_dim} numbers")
