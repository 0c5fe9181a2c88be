"""The table model of one model on one device, from the layers of a serving engine measured one by one.

The files are those of LLMServingSim's profiler: `dense` (layer, tokens), `per_sequence` (layer, sequences) and
`attention` (prefill_chunk, kv_prefill, n_decode, kv_decode), one layer each, in microseconds; with tensor parallelism
the share of one device.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pasta_toolkit.specs import HardwareSpec, ModelSpec, place
from simulator.cost.block_schedule import BLOCK_BYTES_PER_S, BlockSchedule
from simulator.cost.collective import all_reduce_seconds
from simulator.cost.errors import CostError
from simulator.cost.heads import Heads
from simulator.cost.interpolation import Curve, interpolate
from simulator.cost.interval import interval_factors
from simulator.cost.measurements import read_rows
from simulator.cost.step_cost import StepCost, Term
from simulator.cost.step_shape import StepShape

__all__ = ["MixedAttentionTable", "ServingProfile", "ServingTableModel", "layer_files"]

SECONDS_PER_MICROSECOND = 1e-6
FILE_KINDS = ("dense", "per_sequence", "attention")
# How often a layer of the profile runs in a transformer layer.
RUNS_PER_LAYER = {
    "qkv_proj": 1,
    "o_proj": 1,
    "gate_up_proj": 1,
    "down_proj": 1,
    "layernorm": 2,
    "rotary_emb": 1,
    "act_fn": 1,
}
MATMULS = ("qkv_proj", "o_proj", "gate_up_proj", "down_proj")
SOME_MODELS_RUN = {"qk_norm": 1}
RUN_ONCE = ("embedding", "final_layernorm")  # a step


@dataclass(frozen=True, slots=True)
class MixedAttentionTable:
    """Measured attention of one layer over chunk, its context, lanes and their context; linear along each."""

    planes: dict[int, dict[int, dict[int, Curve]]]

    @staticmethod
    def of(rows: Iterable[tuple[int, int, int, int, float]]) -> "MixedAttentionTable":
        """Build the table from rows of chunk, its context, lanes, their context, seconds."""
        points: dict[int, dict[int, dict[int, dict[int, float]]]] = defaultdict(
            lambda: defaultdict(lambda: defaultdict(dict))
        )
        for chunk, chunk_context, num_lanes, context, seconds in rows:
            points[chunk][chunk_context][num_lanes][context] = seconds
        planes = {
            chunk: {
                chunk_context: {lanes: Curve.of(curve) for lanes, curve in sorted(by_lanes.items())}
                for chunk_context, by_lanes in sorted(by_context.items())
            }
            for chunk, by_context in sorted(points.items())
        }
        return MixedAttentionTable(planes)

    def seconds(self, *, chunk: float, chunk_context: float, num_lanes: float, context: float) -> float:
        """Return the seconds of one layer; 0 for nothing to do."""
        if not chunk and not num_lanes:
            return 0.0
        return interpolate(
            tuple(self.planes),
            chunk,
            lambda known: self._over_chunk_context(self.planes[known], chunk_context, num_lanes, context),
        )

    @property
    def reached_tokens_per_s(self) -> float | None:
        """Return how many tokens of context the most lanes read together; None if the table says nothing of it."""
        by_lanes = self.planes.get(0, {}).get(0, {})
        most = max(by_lanes, default=0)
        rate = by_lanes[most].last_rate if most else None
        return rate * most if rate else None

    @property
    def lane_tokens_per_s(self) -> float | None:
        """Return how fast one lane is read whose keys are not split, as beside a chunk; None where not measured."""
        chunk = self.shortest_chunk
        by_lanes = self.planes[chunk][min(self.planes[chunk])] if chunk else {}
        return by_lanes[1].last_rate if 1 in by_lanes else None

    @property
    def shortest_chunk(self) -> int:
        """Return the tokens of the shortest measured chunk; 0 if none was."""
        return min((chunk for chunk in self.planes if chunk), default=0)

    @staticmethod
    def _over_chunk_context(
        by_context: dict[int, dict[int, Curve]], chunk_context: float, num_lanes: float, context: float
    ) -> float:
        def over_lanes(known: int) -> float:
            by_lanes = by_context[known]
            return interpolate(tuple(by_lanes), num_lanes, lambda lanes: by_lanes[lanes].at(context))

        return interpolate(tuple(by_context), chunk_context, over_lanes)


@dataclass(frozen=True, slots=True)
class ServingProfile:
    """Measured layers of one model on one device."""

    dense: dict[str, Curve]
    per_sequence: dict[str, Curve]
    attention: MixedAttentionTable

    @staticmethod
    def read(where: Path) -> "ServingProfile":
        """Read the files of `layer_files`.

        Raises:
            CostError: a file cannot be read, a layer is missing, or nothing is known of one.
        """
        files = layer_files(where)
        dense = _read_layers(files["dense"], "tokens")
        missing = [layer for layer in RUNS_PER_LAYER if layer not in dense]
        if missing:
            raise CostError(f"the profile {str(where)!r} has no layer {missing[0]!r}")
        unknown = [layer for layer in dense if layer not in (*RUNS_PER_LAYER, *SOME_MODELS_RUN, *RUN_ONCE)]
        if unknown:
            raise CostError(f"the profile {str(where)!r} has a layer {unknown[0]!r}: how often it runs is not known")
        attention = read_rows(files["attention"], _attention_row)
        return ServingProfile(
            dense, _read_layers(files["per_sequence"], "sequences"), MixedAttentionTable.of(attention)
        )


def layer_files(where: Path) -> dict[str, Path]:
    """Return a profile's files by kind: `dense.csv` and so on in a folder, or those whose names begin with a prefix.

    >>> layer_files(Path("perf/h100"))["dense"].as_posix()
    'perf/h100_dense.csv'
    """
    if where.is_dir():
        return {kind: where / f"{kind}.csv" for kind in FILE_KINDS}
    return {kind: where.with_name(f"{where.name}_{kind}.csv") for kind in FILE_KINDS}


@dataclass(frozen=True, slots=True)
class ServingTableModel:
    """Predict a step of the profiled model as the sum of its measured layers.

    Of several chunks in a step each further one adds what it takes longer than the shortest one that was measured.
    Terms: `matmul`, `output_head` (the head and sampling), `elementwise`, `all_reduce`, `host`, `attention`,
    `unequal_contexts`. A profile of a tensor parallel degree is that of one device; the all-reduces are not in it.
    Without `prices_spread`, lanes cost what as many lanes at their mean context cost. `speed` is that of the engine
    over that of its layers one by one, 1 unless it was measured; docs/cost_models.md says more of both.

    Raises:
        SpecError: the model does not fit the device.
        CostError: the speed is not positive.
    """

    model: ModelSpec
    hardware: HardwareSpec
    profile: ServingProfile
    host_seconds_per_step: float = 0.0
    log_residuals: tuple[float, ...] = ()
    prices_spread: bool = True
    speed: float = 1.0
    tensor_parallel: int = 1

    _interval: tuple[float, float] = field(init=False, repr=False)
    _schedule: BlockSchedule | None = field(init=False, repr=False)
    # As in the sum of kernels: a simulation asks for the same counts again and again.
    _counted: dict[tuple[int, int], tuple[Term, ...]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        """Refuse a model that does not fit."""
        place(self.model, self.hardware, tensor_parallel=self.tensor_parallel)
        if not 0 < self.speed < float("inf"):
            raise CostError(f"the speed of an engine must be a positive number, found {self.speed}")
        object.__setattr__(self, "_interval", interval_factors(sorted(self.log_residuals)))
        object.__setattr__(self, "_schedule", self._measured_schedule())

    @property
    def name(self) -> str:
        """What reports call this model."""
        return "table"

    def step_time(self, shape: StepShape) -> StepCost:
        """Return the cost of one step."""
        key = (shape.num_tokens, shape.num_outputs)
        if key not in self._counted:
            self._counted[key] = self._counted_terms(*key)
        attention, unequal = self._attention(shape)
        terms = (
            *self._counted[key],
            Term("attention", self.model.num_layers * attention),
            Term("unequal_contexts", self.model.num_layers * unequal),
        )
        if self.speed != 1:
            terms = tuple(Term(term.name, term.seconds / self.speed) for term in terms)
        return StepCost(terms, *self._interval)

    def _counted_terms(self, num_tokens: int, num_outputs: int) -> tuple[Term, ...]:
        layers = {name: curve.scaled_beyond(num_tokens) for name, curve in self.profile.dense.items()}
        runs = {name: runs * self.model.num_layers for name, runs in (RUNS_PER_LAYER | SOME_MODELS_RUN).items()}
        others = sum(runs.get(name, 1) * seconds for name, seconds in layers.items() if name not in MATMULS)
        outputs = sum(curve.scaled_beyond(num_outputs) for curve in self.profile.per_sequence.values())
        all_reduce = all_reduce_seconds(
            self.model, self.hardware, tensor_parallel=self.tensor_parallel, num_tokens=num_tokens
        )
        return (
            Term("matmul", sum(runs[name] * layers[name] for name in MATMULS)),
            Term("output_head", outputs),
            Term("elementwise", others),
            Term("all_reduce", all_reduce),
            Term("host", self.host_seconds_per_step),
        )

    def _attention(self, shape: StepShape) -> tuple[float, float]:
        """Return one layer's seconds at the mean context, and what the spread of contexts adds."""
        contexts = shape.decode_contexts
        extra = self._schedule.extra_seconds(contexts, shape.prefills) if self.prices_spread and self._schedule else 0.0
        return self._equal_attention(shape), extra

    def _equal_attention(self, shape: StepShape) -> float:
        contexts = shape.decode_contexts
        mean = sum(contexts) / len(contexts) if contexts else 0.0

        def beside(chunk: int, chunk_context: int = 0) -> float:
            return self.profile.attention.seconds(
                chunk=chunk, chunk_context=chunk_context, num_lanes=len(contexts), context=mean
            )

        if not shape.prefills:
            return beside(0)
        first, *others = (beside(prefill.chunk_tokens, prefill.context_tokens) for prefill in shape.prefills)
        shortest = beside(self.profile.attention.shortest_chunk) if others else 0.0
        return first + sum(max(0.0, other - shortest) for other in others)

    def _measured_schedule(self) -> BlockSchedule | None:
        """Return the schedule with the rates that the profile shows: of all lanes together, and of one block alone."""
        heads = Heads.of(self.model, self.tensor_parallel)
        reached, alone = self.profile.attention.reached_tokens_per_s, self.profile.attention.lane_tokens_per_s
        return BlockSchedule.of(
            self.hardware,
            heads,
            bandwidth_bytes_per_s=reached * heads.token_bytes if reached else None,
            block_bytes_per_s=alone * heads.token_bytes / heads.num_kv_heads if alone else BLOCK_BYTES_PER_S,
        )


def _read_layers(path: Path, column: str) -> dict[str, Curve]:
    points: dict[str, dict[int, float]] = defaultdict(dict)

    def add(row: dict[str, str]) -> None:
        points[row["layer"]][int(row[column])] = float(row["time_us"]) * SECONDS_PER_MICROSECOND

    read_rows(path, add)
    return {layer: Curve.of(curve) for layer, curve in sorted(points.items())}


def _attention_row(row: dict[str, str]) -> tuple[int, int, int, int, float]:
    seconds = float(row["time_us"]) * SECONDS_PER_MICROSECOND
    return (int(row["prefill_chunk"]), int(row["kv_prefill"]), int(row["n_decode"]), int(row["kv_decode"]), seconds)
