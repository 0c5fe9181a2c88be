"""The interfaces that inference servers publish: read from an installed server, or written down where there is none.

A server's own file is loaded by its path, without the rest of the server, which needs a GPU to be imported. What is
written down here is what these files said in vLLM 0.33.0 and SGLang 0.5.23.
"""

import sys
from abc import ABC, abstractmethod
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

__all__ = ["SglangInterface", "VllmInterface", "VllmOlderInterface", "published_class"]

FILES = {
    "vllm": ("vllm", "v1/worker/gpu/sample/logits_processor/interface.py", "LogitsProcessor"),
    "vllm_v1": ("vllm", "v1/sample/logits_processor/interface.py", "LogitsProcessor"),
    "sglang": ("sglang", "srt/sampling/custom_logit_processor.py", "CustomLogitProcessor"),
}


def published_class(name: str, monkeypatch: pytest.MonkeyPatch) -> type:
    """Return the class of an installed server, or skip the test."""
    package, file, class_name = FILES[name]
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        pytest.skip(f"{package} is not installed; its interface is tested as it is written down")
    stub = ModuleType(package)
    stub.SamplingParams = object  # type: ignore[attr-defined]  # all that these files import of their own package
    monkeypatch.setitem(sys.modules, package, stub)
    path = Path(found.submodule_search_locations[0]) / file
    spec = spec_from_file_location(f"published_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    published: type = getattr(module, class_name)
    return published


class VllmInterface(ABC):
    """`vllm.v1.worker.gpu.sample.logits_processor.LogitsProcessor`."""

    def __init__(self, vllm_config: Any, req_states: Any) -> None: ...  # noqa: B027

    @classmethod  # noqa: B027
    def validate_params(cls, sampling_params: Any) -> None: ...

    def add_request(self, req_idx: int, sampling_params: Any) -> bool:
        return True

    def apply_staged_writes(self) -> None: ...  # noqa: B027

    @abstractmethod
    def apply(self, logits: Any, ctx: Any) -> Any: ...


class VllmOlderInterface(ABC):
    """`vllm.v1.sample.logits_processor.LogitsProcessor`."""

    @classmethod
    def validate_params(cls, sampling_params: Any) -> None:
        return None

    @abstractmethod
    def __init__(self, vllm_config: Any, device: Any, is_pin_memory: bool) -> None: ...

    @abstractmethod
    def apply(self, logits: Any) -> Any: ...

    @abstractmethod
    def is_argmax_invariant(self) -> bool: ...

    @abstractmethod
    def update_state(self, batch_update: Any) -> None: ...


class SglangInterface(ABC):
    """`sglang.srt.sampling.custom_logit_processor.CustomLogitProcessor`."""

    @abstractmethod
    def __call__(self, logits: Any, custom_param_list: Any = None) -> Any: ...
