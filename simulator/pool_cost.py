"""Lets the cost of steps over one pool price lanes: it follows what the pool holds. Knows no scheduler."""

from pasta_toolkit.runtime import Lane
from pasta_toolkit.specs import HardwareSpec, ModelSpec
from simulator.cost.errors import CostError
from simulator.cost.pool_placement import PoolPlacement, PoolShape
from simulator.cost.pool_step import PoolStepModel
from simulator.cost.step_cost import CostModel, Term
from simulator.cost.step_shape import PrefillShape, StepShape
from simulator.model_cost import ModelCost

__all__ = ["ExplainedCost", "PoolCost", "pool_cost"]

NANOSECONDS_PER_SECOND = 1e9
PARAMETERS_TOLERANCE = 0.02  # ours: specs count without small vectors, files with them


class ExplainedCost(ModelCost):
    """The price of steps by a cost model that says what it is made of. State: `terms` of the last step priced.

    `steady_interval` is that around a predicted time while the machine's speed is known; (1, 1) where nothing is.
    """

    steady_interval: tuple[float, float] = (1.0, 1.0)

    def __init__(self, model: CostModel, *, copy_ns_per_token: float = 0.0, swap_ns_per_token: float = 0.0) -> None:
        super().__init__(model, copy_ns_per_token=copy_ns_per_token, swap_ns_per_token=swap_ns_per_token)
        self.terms: tuple[Term, ...] = ()
        self._explained = model
        self._copy_seconds_per_token = copy_ns_per_token / NANOSECONDS_PER_SECOND

    def duration_ns(self, lanes: tuple[Lane, ...]) -> int:
        """Return the time of a step of these lanes, and remember its terms."""
        contexts = tuple(lane.context_tokens + 1 for lane in lanes if lane.num_tokens == 1)
        chunks = tuple(PrefillShape(lane.num_tokens, lane.context_tokens) for lane in lanes if lane.num_tokens > 1)
        copied = sum(lane.copied_tokens for lane in lanes)
        terms = self._explained.step_time(StepShape(contexts, chunks)).terms
        self.terms = (*terms, Term("copies", copied * self._copy_seconds_per_token)) if copied else terms
        return super().duration_ns(lanes)


class PoolCost(ExplainedCost):
    """The price of steps over one pool. State: what the pool holds, as the steps priced so far have filled it.

    Steps must be priced in order, each once, by `duration_ns`; `fresh` begins anew. `decode_ns` asks what a step would
    cost without taking it: one lane alone is priced as one in a pool of its own, several as in the pool as it is.
    """

    needs_every_step = True

    def __init__(self, model: PoolStepModel) -> None:
        super().__init__(model)
        self.model = model
        self.steady_interval = model.steady_interval
        self._placement: PoolPlacement = model.placement()

    def fresh(self) -> "PoolCost":
        """Return the same prices with an empty pool."""
        return PoolCost(self.model)

    def duration_ns(self, lanes: tuple[Lane, ...]) -> int:
        """Feed a step's lanes into the pool; return how long that takes."""
        return self._priced(self._placement.feed(lanes))

    def decode_ns(self, contexts: tuple[int, ...]) -> int:
        """Return the time of a step whose lanes feed one token each, behind so many tokens of context."""
        longest = max(contexts) + 1
        extent = longest if len(contexts) == 1 else max(longest + len(contexts) - 1, self._placement.extent)
        shape = PoolShape(len(contexts), len(contexts), extent, longest * len(contexts) if self.model.copies else 0)
        return self.model.pool_step(shape).total_ns

    def prefill_ns(self, prompt_tokens: int) -> int:
        """Return the time of a prompt that is fed in one step into an empty pool."""
        lane = Lane("", 0, prompt_tokens, 0, 0, decodes=True)
        return self.model.pool_step(self.model.placement().feed((lane,))).total_ns

    def _priced(self, shape: PoolShape) -> int:
        cost = self.model.pool_step(shape)
        self.terms = cost.terms
        return cost.total_ns


def pool_cost(model: ModelSpec, hardware: HardwareSpec, *, tensor_parallel: int = 1) -> PoolCost:
    """Return what steps cost by the profile that `pasta calibrate` wrote.

    Raises:
        CostError: the device has no such profile, it was made with another model, or several devices are asked for.
    """
    if hardware.calibration is None:
        raise CostError(f"{hardware.name!r} has no calibration; `pasta calibrate` writes one")
    if tensor_parallel > 1:
        raise CostError(f"the profile {hardware.name!r} was calibrated on one device and says nothing of several")
    pool = PoolStepModel(hardware.calibration)
    num_parameters = hardware.calibration.parameters["model_parameters"]
    if abs(model.num_parameters / num_parameters - 1) > PARAMETERS_TOLERANCE:
        raise CostError(
            f"the profile {hardware.name!r} was calibrated with a model of {num_parameters:,.0f} parameters, and "
            f"{model.name!r} has {model.num_parameters:,}; calibrate with that model"
        )
    return PoolCost(pool)
