"""llama.cpp as a peer: the same model in bfloat16, the same lanes, in a process of its own that waits between rounds.

It needs `llama-cpp-python`; build it without AMX (`CMAKE_ARGS="-DGGML_NATIVE=OFF -DGGML_AVX512=ON -DGGML_AVX512_BF16=ON
-DGGML_AVX512_VBMI=ON -DGGML_AVX512_VNNI=ON"`): with AMX it crashed on batches of quantised weights.
"""

import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.engine_steps import CONTEXT, OWN
from reference_engine.model import Model

__all__ = ["LlamaCpp", "write_gguf"]

FILE_TYPE_BF16 = 32  # llama.cpp's number for "mostly BF16"
MOST_LANES = 64
GGUF_NAMES = {
    "attention_norm": "attn_norm",
    "query": "attn_q",
    "key": "attn_k",
    "value": "attn_v",
    "output": "attn_output",
    "mlp_norm": "ffn_norm",
    "gate": "ffn_gate",
    "up": "ffn_up",
    "down": "ffn_down",
}


class LlamaCpp:
    """The peer's process. It measures a step when it is asked to, and sleeps otherwise."""

    def __init__(self, path: Path, *, num_threads: int) -> None:
        arguments = [sys.executable, "-m", "benchmarks.engine_llama_cpp", str(path), str(num_threads)]
        self._process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    @staticmethod
    def is_installed() -> bool:
        """Whether there is a llama.cpp to measure."""
        return importlib.util.find_spec("llama_cpp") is not None

    def step_ms(self, num_lanes: int, num_steps: int) -> float:
        """Return the median time of a step of so many lanes, each at the benchmark's context."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([num_lanes, num_steps]), file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def write_gguf(model: Model, path: Path) -> None:
    """Write a Llama's weights as a GGUF file in bfloat16, without a vocabulary."""
    import gguf  # noqa: PLC0415  # only the parent writes

    config = model.config
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_file_type(FILE_TYPE_BF16)
    writer.add_block_count(config.num_layers)
    writer.add_context_length(config.max_positions)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_heads)
    writer.add_head_count_kv(config.num_kv_heads)
    writer.add_layer_norm_rms_eps(config.norm_epsilon)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_vocab_size(config.vocabulary_size)
    writer.add_tokenizer_model("no_vocab")
    for name, tensor in _tensors(model):
        if tensor.ndim == 1:
            writer.add_tensor(name, tensor.float().numpy())
        else:
            numbers = tensor.bfloat16().contiguous().view(torch.uint8).numpy()
            writer.add_tensor(name, numbers, raw_dtype=gguf.GGMLQuantizationType.BF16)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _tensors(model: Model) -> list[tuple[str, torch.Tensor]]:
    weights, config = model.weights, model.config
    tensors = [("token_embd.weight", weights.embedding), ("output_norm.weight", weights.final_norm)]
    heads = {"query": config.num_heads, "key": config.num_kv_heads}
    for index, layer in enumerate(weights.layers):
        for field, name in GGUF_NAMES.items():
            tensor = getattr(layer, field)
            tensors.append(
                (f"blk.{index}.{name}.weight", _interleaved(tensor, heads[field]) if field in heads else tensor)
            )
    return tensors


def _interleaved(weight: torch.Tensor, num_heads: int) -> torch.Tensor:
    """Return rows (out, in) with the two numbers of a rotated pair side by side, as llama.cpp has them."""
    halves = weight.view(num_heads, 2, -1, weight.shape[1])
    return halves.transpose(1, 2).reshape(weight.shape)


class _Served:
    """llama.cpp in this process."""

    def __init__(self, path: str, num_threads: int) -> None:
        import llama_cpp  # noqa: PLC0415  # only the child has it

        self.api: Any = llama_cpp
        self.silence = llama_cpp.llama_log_callback(lambda *_: None)  # kept, since the library keeps only its address
        self.api.llama_log_set(self.silence, None)
        self.api.llama_backend_init()
        parameters = self.api.llama_model_default_params()
        self.model = self.api.llama_model_load_from_file(path.encode(), parameters)
        options = self.api.llama_context_default_params()
        options.n_ctx, options.n_batch, options.n_seq_max = CONTEXT * (MOST_LANES // 4), 1024, MOST_LANES
        options.n_threads = options.n_threads_batch = num_threads
        options.kv_unified = True  # one cache for all sequences, so that a prefix is shared
        self.context = self.api.llama_init_from_model(self.model, options)

    def step_ms(self, num_lanes: int, num_steps: int) -> float:
        memory = self.api.llama_get_memory(self.context)
        self.api.llama_memory_clear(memory, True)
        shared = CONTEXT - OWN
        self._decode([(token, 0) for token in range(shared)])
        for lane in range(1, num_lanes):
            self.api.llama_memory_seq_cp(memory, 0, lane, 0, shared)
        for position in range(shared, CONTEXT - 1):
            self._decode([(position, lane) for lane in range(num_lanes)])
        taken = []
        for _ in range(num_steps):
            begin = time.perf_counter()
            self._decode([(CONTEXT - 1, lane) for lane in range(num_lanes)])
            taken.append((time.perf_counter() - begin) * 1e3)
            for lane in range(num_lanes):
                self.api.llama_memory_seq_rm(memory, lane, CONTEXT - 1, -1)
        return median(taken)

    def _decode(self, fed: list[tuple[int, int]]) -> None:
        """Feed tokens, given as (position, lane), and wait for the logits of all."""
        batch = self.api.llama_batch_init(len(fed), 0, 1)
        batch.n_tokens = len(fed)
        for index, (position, lane) in enumerate(fed):
            batch.token[index], batch.pos[index] = 1000 + position, position
            batch.n_seq_id[index], batch.seq_id[index][0], batch.logits[index] = 1, lane, len(fed) <= MOST_LANES
        if self.api.llama_decode(self.context, batch) != 0:
            raise RuntimeError("llama.cpp could not decode a batch")
        self.api.llama_synchronize(self.context)
        self.api.llama_batch_free(batch)


def main() -> None:
    """Serve measurements: a line `[lanes, steps]` in, a line with milliseconds out."""
    served = _Served(sys.argv[1], int(sys.argv[2]))
    for line in sys.stdin:
        num_lanes, num_steps = json.loads(line)
        print(served.step_ms(num_lanes, num_steps), flush=True)


if __name__ == "__main__":
    main()
