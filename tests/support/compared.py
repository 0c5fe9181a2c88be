"""Small things to compare: a cost of known parameters, decodes predicted with it, and measurements made of those."""

import gzip
import json
from dataclasses import replace
from importlib.resources import files

from grammar import parse
from pasta_toolkit.dag import build_dag
from pasta_toolkit.report.measurement import PARALLEL, SEQUENTIAL, Measurement
from pasta_toolkit.runtime import Script, script_of_chunks
from pasta_toolkit.specs import Calibration, HardwareSpec
from pasta_toolkit.tokens import load_counter
from reference_engine.model.folder import save_folder
from simulator.cost.pool_step import POOL_METHOD, PoolStepModel
from simulator.pool_cost import PoolCost
from simulator.predicted_comparison import Decode, predict_decode
from simulator.replica import Serving
from tests.support.engine_free import tiny_model

__all__ = [
    "DEVICE",
    "PARAMETERS",
    "RESPONSE",
    "decode_of",
    "measured_as",
    "pool_model",
    "predicted_with",
    "save_tiny_model",
]

RESPONSE = (
    'Two things.\n<promise topic="first" tokens="20"/><promise topic="second" tokens="20"/>'
    "<async>The first of them is that bread needs time, warmth and a little salt.</async>"
    "<async>The second is that ovens differ.</async><sync/>\nSo try it, and then try it again."
)
DEVICE = HardwareSpec("mine", "cpu", "x", 1e11, 1e10, 10**10, ("a test",), num_compute_units=2)
PARAMETERS = {
    "rows_1": 0.020,
    "rows_2": 0.021,
    "rows_4": 0.022,
    "rows_8": 0.026,
    "rows_32": 0.050,
    "rows_128": 0.146,
    "output": 2e-4,
    "pool": 4e-6,
    "row_pool": 1e-6,
    "padded": 0.0,
    "moved": 0.0,
    "unit_slots": 1,
    "copies": 0,
    "model_parameters": 134_515_008,
}


def pool_model(residuals=(), **changes):
    return PoolStepModel(Calibration(PARAMETERS | changes, tuple(residuals), POOL_METHOD, ("a test",)))


def decode_of(name="a", response=RESPONSE, *, prompt_tokens=12):
    document, counter = parse(response), load_counter("smollm2")
    dag = build_dag(document, counter)
    promised = [promise.tokens for promise in document.promises]
    parallel = script_of_chunks(dag.chunks, promised_tokens=promised)
    return Decode(name, prompt_tokens, parallel, Script.sequential(dag.sequential_tokens), dag)


def predicted_with(model, decode):
    return predict_decode(decode, cost=PoolCost(model), serving=Serving())


def measured_as(predicted, decode, *, factor=1.0, sequential_factor=None, repetitions=1, slowdown=None):
    """Return measurements that say what was predicted, all times by a factor; repetition n takes n % longer.

    With a slowdown a probe took so many times what was predicted of it, and all else did besides.
    """
    both = ((SEQUENTIAL, predicted.sequential, decode.sequential), (PARALLEL, predicted.parallel, decode.parallel))
    return [
        Measurement(
            decode.name,
            variant,
            repetition,
            decode.prompt_tokens,
            script,
            _stretched(
                events,
                ((sequential_factor or factor if variant == SEQUENTIAL else factor) + repetition / 100)
                * (slowdown or 1),
            ),
            slowdown and slowdown * predicted.probe_ns,
        )
        for repetition in range(repetitions)
        for variant, events, script in both
    ]


def _stretched(events, factor):
    return tuple(event._replace(at_ns=round(event.at_ns * factor)) for event in events)


def save_tiny_model(folder):
    """Save a model of one tiny layer with SmolLM2's vocabulary and a template that adds nothing."""
    save_folder(replace(tiny_model(), name="tiny"), folder)
    packed = files("pasta_toolkit.tokens").joinpath("data/smollm2.json.gz").read_bytes()
    (folder / "tokenizer.json").write_bytes(gzip.decompress(packed))
    template = "{% for message in messages %}{{ message.content }}{% endfor %}"
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}))
    return folder
