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

from gguf import GGMLQuantizationType, GGUFWriter

from benchmarks.engine_steps import CONTEXT, OWN
from reference_engine.model import Model
from tests.support.engine_gguf import write_gguf

__all__ = ["LlamaCpp"]

# llama.cpp's numbers for files that are mostly of one kind.
FILE_TYPES = {GGMLQuantizationType.BF16: 32, GGMLQuantizationType.Q4_0: 2, GGMLQuantizationType.Q4_1: 3}
MOST_LANES = 64


class LlamaCpp:
    """The peer's process. It measures a step when it is asked to, and sleeps otherwise."""

    @classmethod
    def of(cls, model: Model, folder: Path, *, kind: GGMLQuantizationType, num_threads: int) -> "LlamaCpp":
        """Write a model of the Llama family as a file of one kind, and start a process that has loaded it."""
        path = folder / f"{kind.name}.gguf"
        _write(model, path, kind=kind)
        return cls(path, num_threads=num_threads)

    def __init__(self, path: Path, *, num_threads: int) -> None:
        arguments = [sys.executable, "-m", "benchmarks.engine_llama_cpp", str(path), str(num_threads)]
        self._process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    @staticmethod
    def is_installed() -> bool:
        """Whether there is a llama.cpp to measure."""
        return importlib.util.find_spec("llama_cpp") is not None

    def step_ms(self, num_lanes: int, num_steps: int) -> float:
        """Return the median time of a step of so many lanes, each at the benchmark's context."""
        return self._ask("step_ms", num_lanes, num_steps)

    def sequence_s(self, num_prompt: int, num_tokens: int) -> float:
        """Return how long it takes to read a prompt and to decode so many tokens behind it, one after the other."""
        return self._ask("sequence_s", num_prompt, num_tokens)

    def _ask(self, what: str, *numbers: int) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([what, *numbers]), file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def _write(model: Model, path: Path, *, kind: GGMLQuantizationType) -> None:
    """Write a Llama's weights as a GGUF file without a vocabulary."""

    def add_metadata(writer: GGUFWriter) -> None:
        writer.add_file_type(FILE_TYPES[kind])
        writer.add_rope_dimension_count(model.config.head_dim)
        writer.add_vocab_size(model.config.vocabulary_size)
        writer.add_tokenizer_model("no_vocab")

    write_gguf(model, path, kind=kind, add_metadata=add_metadata)


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

    def sequence_s(self, num_prompt: int, num_tokens: int) -> float:
        self.api.llama_memory_clear(self.api.llama_get_memory(self.context), True)
        begin = time.perf_counter()
        self._decode([(position, 0) for position in range(num_prompt)], outputs=1)
        for position in range(num_prompt, num_prompt + num_tokens - 1):
            self._decode([(position, 0)])
        return time.perf_counter() - begin

    def _decode(self, fed: list[tuple[int, int]], *, outputs: int = MOST_LANES) -> None:
        """Feed tokens, given as (position, lane), and wait: for the logits of all, or of the last one, or of none."""
        batch = self.api.llama_batch_init(len(fed), 0, 1)
        batch.n_tokens = len(fed)
        for index, (position, lane) in enumerate(fed):
            batch.token[index], batch.pos[index] = 1000 + position, position
            has_logits = index + 1 == len(fed) if outputs == 1 else len(fed) <= outputs
            batch.n_seq_id[index], batch.seq_id[index][0], batch.logits[index] = 1, lane, has_logits
        if self.api.llama_decode(self.context, batch) != 0:
            raise RuntimeError("llama.cpp could not decode a batch")
        self.api.llama_synchronize(self.context)
        self.api.llama_batch_free(batch)


def main() -> None:
    """Serve measurements: a line `[method, number, number]` in, a line with a time out."""
    served = _Served(sys.argv[1], int(sys.argv[2]))
    for line in sys.stdin:
        what, *numbers = json.loads(line)
        print(getattr(served, what)(*numbers), flush=True)


if __name__ == "__main__":
    main()
