"""Measures many forced decodes at once: some steps of each in turn, so that all of them meet the same machine.

A machine that others use too is slower in one minute than in the next. A decode of some seconds meets one of them; in
turns, spread over the time that all decodes take together, each meets every one. A decode has a pool of its own and
decodes alone, as it would at a stretch; its clock stands still between its turns.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from pasta_toolkit.report.measurement import PARALLEL, SEQUENTIAL, Measurement
from reference_engine.engine import Engine
from reference_engine.errors import EngineError
from reference_engine.forced import ForcedAnswer, ForcedDecoder
from reference_engine.measuring import Done, ForcedTask, FreeTask, measurement_of
from reference_engine.probe import ProbedTrace

__all__ = ["NUM_TURNS", "measure_in_turns"]

NUM_TURNS = 96  # ours, of a decode: a step or two in each; what is cold at a turn's beginning costs 0.5 % of a step


class _Decode:
    """One decode. State: how far it is, and its clock."""

    def __init__(self, engine: Engine, task: ForcedTask, variant: str, repetition: int) -> None:
        job = task.parallel(engine) if variant == PARALLEL else task.sequential(engine, None)
        assert isinstance(job.decoder, ForcedDecoder)
        answer = job.decoder.answer
        self._variant, self._repetition = variant, repetition
        self._trace = ProbedTrace(None)
        self._served = _own(engine, answer, len(task.prompt)).serve([job], record=self._trace.record)
        self._about_steps = answer.script.critical_path
        self._num_turns = 0

    def take_turn(self) -> Measurement | None:
        """Go on by some steps; return the measurement once the decode is over.

        Raises:
            EngineError: it failed.
        """
        self._trace.go_on()
        self._num_turns += 1
        while self._trace.num_steps * NUM_TURNS < self._num_turns * self._about_steps:
            served = next(self._served)
            if served.ended:
                (recording,) = served.ended
                return measurement_of(recording, self._trace, variant=self._variant, repetition=self._repetition)
            self._trace.end_step()
        self._trace.stop()
        return None


def measure_in_turns(
    engine: Engine,
    tasks: Sequence[ForcedTask | FreeTask],
    *,
    repetitions: int,
    known: Done = (),
    between: Callable[[float], object] = lambda share: None,
) -> Iterator[Measurement]:
    """Decode answers so many times in both ways, all in turn; what is `known` already is left out.

    All of them end at about the same time. `between` is called between turns, with the share of turns that are over.

    Raises:
        EngineError: a decode does not come to its end, an answer is not known before, or the device is not the CPU.
    """
    documents = [task for task in tasks if isinstance(task, ForcedTask)]
    if len(documents) < len(tasks):
        raise EngineError(
            "only documents can be decoded in turns: how long a model's own answer gets, nobody knows before"
        )
    if engine.model.device.type != "cpu":
        raise EngineError("decodes can be measured in turns on the CPU only: CUDA graphs are bound to one pool")
    decodes = deque(
        _Decode(engine, task, variant, repetition)
        for repetition in range(repetitions)
        for task in documents
        for variant in (SEQUENTIAL, PARALLEL)
        if (task.name, variant, repetition) not in known
    )
    num_decodes, num_turns = len(decodes), 0
    while decodes:
        between(min(1.0, num_turns / (num_decodes * NUM_TURNS)))
        decode = decodes.popleft()
        measurement = decode.take_turn()
        num_turns += 1
        if measurement is None:
            decodes.append(decode)
        else:
            yield measurement


def _own(engine: Engine, answer: ForcedAnswer, prompt_tokens: int) -> Engine:
    """Return the engine with a pool that is as large as this decode can need, and no larger than its own."""
    unit = engine.pool.placement.unit_slots
    num_units = len(answer.threads)
    if not engine.pool.copies:
        num_units += -(-(prompt_tokens + answer.num_tokens) // unit)
    return engine.with_options(num_slots=min(engine.options.num_slots, num_units * unit))
