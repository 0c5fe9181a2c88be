"""Text to tokens and back, and messages to the prompt that a model was trained on. Knows no weights."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers.decoders import DecodeStream

from reference_engine.chat_template import render_chat
from reference_engine.errors import EngineError, ModelError
from reference_engine.model.config_file import read_config
from reference_engine.model.gguf_file import read_gguf_config
from reference_engine.model.gguf_header import open_gguf
from reference_engine.model.gguf_tokenizer import SETTINGS_FILE, TEMPLATE_FILE, TOKENIZER_FILE, read_gguf_tokenizer
from reference_engine.model.json_values import read_json
from reference_engine.model.loading import GGUF_SUFFIX, model_path

__all__ = ["TextStream", "Tokenizer", "load_tokenizer"]

DEFAULT_TEMPLATE = "default"
SPECIAL_KEYS = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """A model's tokenizer, its chat template, and the tokens that end a reply.

    `special` are the texts that the template may refer to, as `bos_token`.
    """

    name: str
    library: tokenizers.Tokenizer = field(repr=False)
    end_tokens: tuple[int, ...] = ()
    chat_template: str | None = field(default=None, repr=False)
    special: Mapping[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @property
    def num_tokens(self) -> int:
        """Tokens that have a text; a model's vocabulary may be padded beyond them."""
        return self.library.get_vocab_size(with_added_tokens=True)

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text, and no others. What looks like a control token is text like any other.

        Law: `decode(encode(text)) == text` for tokenizers of bytes (SmolLM2, Llama 3, Qwen). A byte that the vocabulary
        lacks is left out, as everywhere: SmolLM2's lacks six control characters and those of unassigned characters.
        """
        return self._encode(text, knows_control=False, adds_special=False)

    def encode_prompt(self, text: str) -> list[int]:
        """Return the tokens of a text that opens a sequence: behind the model's begin token, where it has one."""
        return self._encode(text, knows_control=True, adds_special=True)

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens; control tokens have none, and bytes that are no UTF-8 become U+FFFD."""
        return self.library.decode(list(tokens), skip_special_tokens=True)

    def stream(self) -> "TextStream":
        """Begin to decode tokens as they come."""
        return TextStream(self)

    def chat(
        self, messages: Sequence[Mapping[str, Any]], *, begins_reply: bool = True, today: date | None = None
    ) -> list[int]:
        """Return the prompt of a conversation, of messages with `role` and `content`.

        Equal to `apply_chat_template` of transformers: what looks like a control token in a message is one.
        A template that asks for the date gets `today`; without it, the same messages always give the same tokens.

        Raises:
            EngineError: the model has no chat template, or its template refuses the messages.
        """
        if self.chat_template is None:
            raise EngineError(f"the model {self.name!r} has no chat template; give it the whole prompt as text")
        text = render_chat(self.chat_template, messages, special=self.special, begins_reply=begins_reply, today=today)
        return self._encode(text, knows_control=True, adds_special=False)

    def _encode(self, text: str, *, knows_control: bool, adds_special: bool) -> list[int]:
        with self._lock:  # the library has one switch for all callers
            self.library.encode_special_tokens = not knows_control
            return list(self.library.encode(text, add_special_tokens=adds_special).ids)


class TextStream:
    """Decodes one token after another, and never gives out half a character.

    Law: all that `push` returns, and `finish` behind it, is `decode` of all tokens.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._stream = DecodeStream(skip_special_tokens=True)
        self._tokens: list[int] = []
        self._num_characters = 0

    def push(self, token: int) -> str:
        """Take a token, return the text that is certain by now: often none, at the first bytes of a character."""
        self._tokens.append(token)
        text: str = self._stream.step(self._tokenizer.library, token) or ""
        self._num_characters += len(text)
        return text

    def finish(self) -> str:
        """Return what was held back: the beginning of a character that never ended, as U+FFFD."""
        rest = self._tokenizer.decode(self._tokens)[self._num_characters :]
        self._num_characters += len(rest)
        return rest


def load_tokenizer(source: str | Path) -> Tokenizer:
    """Return the tokenizer of a known model, of a folder, or of a GGUF file: its own, or the tokenizer.json beside it.

    Raises:
        ModelError: there is no such model, or no tokenizer with it, or it cannot be read.
    """
    path = model_path(source)
    if path.suffix != GGUF_SUFFIX:
        return _from_folder(path, name=path.resolve().name, end_tokens=read_config(path).end_tokens)
    end_tokens = read_gguf_config(open_gguf(path)).end_tokens
    if (path.parent / TOKENIZER_FILE).is_file():
        return _from_folder(path.parent, name=path.stem, end_tokens=end_tokens)
    own = read_gguf_tokenizer(path)
    return Tokenizer(path.stem, own.library, end_tokens, own.chat_template, own.special)


def _from_folder(folder: Path, *, name: str, end_tokens: tuple[int, ...]) -> Tokenizer:
    file = folder / TOKENIZER_FILE
    if not file.is_file():
        raise ModelError(f"{str(folder)!r} holds no {TOKENIZER_FILE}; the engine reads no other form of tokenizer")
    try:
        library = tokenizers.Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises bare Exception for every malformed file
        raise ModelError(f"cannot read the tokenizer {str(file)!r}: {error}") from error
    settings = read_json(folder / SETTINGS_FILE) if (folder / SETTINGS_FILE).is_file() else {}
    return Tokenizer(name, library, end_tokens, _template(folder, settings), _special(settings))


def _template(folder: Path, settings: Mapping[str, Any]) -> str | None:
    """Return the chat template, from its own file or from the settings, which may hold several by name."""
    if (folder / TEMPLATE_FILE).is_file():
        return (folder / TEMPLATE_FILE).read_text(encoding="utf-8")
    stated = settings.get("chat_template")
    if isinstance(stated, list):
        named = {entry.get("name"): entry.get("template") for entry in stated if isinstance(entry, dict)}
        stated = named.get(DEFAULT_TEMPLATE)
    return stated if isinstance(stated, str) else None


def _special(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the special tokens' texts; a file has them bare or as objects."""
    stated = {key: settings.get(key) for key in SPECIAL_KEYS}
    texts = {key: value.get("content") if isinstance(value, dict) else value for key, value in stated.items()}
    return {key: text for key, text in texts.items() if isinstance(text, str)}
