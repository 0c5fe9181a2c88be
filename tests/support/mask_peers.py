"""xgrammar, llguidance and llama.cpp behind one small interface, over the same vocabulary, for tests and benchmarks."""

import ctypes
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from pasta_toolkit.mask import Vocabulary

__all__ = ["LlamaCpp", "Llguidance", "Peer", "Xgrammar"]


SLICES = ("[^<]{1,30}", "[^<]+")  # what llguidance tests at once, and the best that was found for this language


class Peer(Protocol):
    """One stream under another tool's mask."""

    def reset(self) -> None:
        """Go back to the beginning."""

    def mask(self) -> None:
        """Compute the mask of the next token."""

    def accept(self, token: int) -> bool:
        """Take a token."""

    def apply(self, logits: Any) -> None:
        """Apply the mask to a row of torch logits on the CPU."""

    def legal(self) -> np.ndarray:
        """Return the mask as one truth value a token."""


def unpacked(words: Any, num_logits: int) -> np.ndarray:
    """Turn packed bits into truth values."""
    bits = np.unpackbits(np.asarray(words).reshape(-1).view(np.uint8), bitorder="little")
    return bits[:num_logits].astype(bool)


class Xgrammar:
    """xgrammar with a vocabulary of raw bytes; tokens that write nothing are special to it.

    `grammar` is EBNF, or a structural tag in JSON.
    """

    def __init__(self, vocabulary: Vocabulary, grammar: str) -> None:
        import xgrammar  # noqa: PLC0415

        self.library = xgrammar
        self.num_logits = vocabulary.num_logits
        info = xgrammar.TokenizerInfo(
            list(vocabulary.tokens),
            vocab_type=xgrammar.VocabType.RAW,
            vocab_size=vocabulary.num_logits,
            stop_token_ids=list(vocabulary.ends),
        )
        compiler = xgrammar.GrammarCompiler(info, max_threads=1, cache_enabled=False)
        is_tag = grammar.startswith("{")
        self.compiled = compiler.compile_structural_tag(grammar) if is_tag else compiler.compile_grammar(grammar)
        self.words = xgrammar.allocate_token_bitmask(1, vocabulary.num_logits)
        self.reset()

    def reset(self) -> None:
        self.matcher = self.library.GrammarMatcher(self.compiled)

    def mask(self) -> None:
        self.matcher.fill_next_token_bitmask(self.words)

    def accept(self, token: int) -> bool:
        return bool(self.matcher.accept_token(token))

    def apply(self, logits: Any) -> None:
        self.library.apply_token_bitmask_inplace(logits, self.words[0])

    def legal(self) -> np.ndarray:
        self.words.fill_(-1)
        self.mask()
        return unpacked(self.words.numpy(), self.num_logits)


class _Tokenizer:
    """What llguidance asks of a tokenizer; it encodes a text where bytes are forced, byte by byte if nothing better."""

    def __init__(self, vocabulary: Vocabulary, encode: Callable[[str], list[int]] | None) -> None:
        self.encode = encode
        self.eos_token_id = vocabulary.ends[0]
        self.bos_token_id = None
        silent = [token for token, content in enumerate(vocabulary.tokens) if not content]
        self.special_token_ids = silent
        self.tokens = [content or f"<|silent{token}|>".encode() for token, content in enumerate(vocabulary.tokens)]

    def __call__(self, text: bytes | str) -> list[int]:
        content = text.encode() if isinstance(text, str) else text
        if self.encode is not None:
            return self.encode(content.decode())
        return [self.tokens.index(bytes([byte])) for byte in content]


class Llguidance:
    """llguidance with the same bytes; tokens that write nothing are declared special.

    `encode` is the vocabulary's own tokenizer, which llguidance asks where bytes are forced.
    """

    def __init__(
        self, vocabulary: Vocabulary, grammar: str, *, encode: Callable[[str], list[int]] | None = None
    ) -> None:
        import llguidance  # noqa: PLC0415
        import llguidance.numpy as arrays  # noqa: PLC0415

        self.library, self.arrays = llguidance, arrays
        self.grammar, self.num_logits = grammar, vocabulary.num_logits
        wrapper = llguidance.TokenizerWrapper(_Tokenizer(vocabulary, encode))
        self.tokenizer = llguidance.LLTokenizer(
            wrapper, n_vocab=vocabulary.num_logits, eos_token=list(vocabulary.ends), slices=list(SLICES)
        )
        self.words = arrays.allocate_token_bitmask(1, self.tokenizer.vocab_size)
        self.first = llguidance.LLMatcher(self.tokenizer, grammar)
        if self.first.is_error():
            raise ValueError(self.first.get_error())
        self.reset()

    def reset(self) -> None:
        self.matcher = self.first.deep_copy()

    def mask(self) -> None:
        self.arrays.fill_next_token_bitmask(self.matcher, self.words, 0)

    def accept(self, token: int) -> bool:
        return bool(self.matcher.consume_token(token))

    def apply(self, logits: Any) -> None:
        import llguidance.torch as tensors  # noqa: PLC0415
        import torch  # noqa: PLC0415

        tensors.apply_token_bitmask_inplace(logits.unsqueeze(0), torch.from_numpy(self.words))

    def legal(self) -> np.ndarray:
        self.mask()
        return unpacked(self.words, self.num_logits)


class LlamaCpp:
    """llama.cpp's own grammar sampler, by llama-cpp-python, over the vocabulary of a GGUF file."""

    def __init__(self, vocabulary: Vocabulary, grammar: str, *, path: str) -> None:
        import llama_cpp  # noqa: PLC0415

        self.library = llama_cpp
        self.model = llama_cpp.Llama(path, vocab_only=True, verbose=False)
        self.grammar, self.num_logits = grammar.encode(), vocabulary.num_logits
        self.candidates = (llama_cpp.llama_token_data * self.num_logits)()
        self.sampler: Any = None
        self.reset()

    def reset(self) -> None:
        self.close()
        vocabulary = self.library.llama_model_get_vocab(self.model.model)
        self.sampler = self.library.llama_sampler_init_grammar(vocabulary, self.grammar, b"root")
        if not self.sampler:
            raise ValueError("llama.cpp cannot read the grammar")

    def close(self) -> None:
        """Free what the library does not count."""
        if self.sampler:
            self.library.llama_sampler_free(self.sampler)
            self.sampler = None

    def mask(self) -> None:
        """Put every token's verdict into the candidates: minus infinity forbids it."""
        view = self._view()
        view["id"], view["logit"] = np.arange(self.num_logits), 0
        everything = self.library.llama_token_data_array(self.candidates, self.num_logits, -1, False)
        self.library.llama_sampler_apply(self.sampler, ctypes.byref(everything))

    def accept(self, token: int) -> bool:
        self.library.llama_sampler_accept(self.sampler, token)
        return True

    def legal(self) -> np.ndarray:
        self.mask()
        view = self._view()
        legal = np.zeros(self.num_logits, dtype=bool)
        legal[view["id"][~np.isneginf(view["logit"])]] = True
        return legal

    def _view(self) -> np.ndarray:
        return np.frombuffer(self.candidates, dtype=[("id", "i4"), ("logit", "f4"), ("p", "f4")])
