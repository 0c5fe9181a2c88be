"""The reference engine: executes PASTA-LANG with a real model, and so proves the simulator right or wrong."""

from reference_engine.decoding import Decoded, Decoder
from reference_engine.engine import Engine, EngineOptions
from reference_engine.errors import EngineError, ModelError, PoolError
from reference_engine.events import RequestEnded, StreamEvent, TextReady, ThreadProgress
from reference_engine.forced import ForcedAnswer, ForcedDecoder, forced_answer, forced_text
from reference_engine.free import FreeDecoder
from reference_engine.free_options import FreeOptions
from reference_engine.loop import Job, Served
from reference_engine.model import Model, ModelConfig, load_model
from reference_engine.recording import Recording
from reference_engine.sampler import Sampling
from reference_engine.text import Tokenizer, load_tokenizer

__all__ = [
    "Decoded",
    "Decoder",
    "Engine",
    "EngineError",
    "EngineOptions",
    "ForcedAnswer",
    "ForcedDecoder",
    "FreeDecoder",
    "FreeOptions",
    "Job",
    "Model",
    "ModelConfig",
    "ModelError",
    "PoolError",
    "Recording",
    "RequestEnded",
    "Sampling",
    "Served",
    "StreamEvent",
    "TextReady",
    "ThreadProgress",
    "Tokenizer",
    "forced_answer",
    "forced_text",
    "load_model",
    "load_tokenizer",
]
