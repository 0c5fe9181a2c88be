"""What steps cost for a study: a cost model by its name, and what copies and moves of the cache add. Knows no load."""

from pathlib import Path

from grammar import PastaError
from pasta_toolkit.specs import HardwareSpec, ModelSpec
from simulator.cost import CostModel, RooflineModel, fitted_model, shipped_table_model, table_model_of
from simulator.cost.pool_step import is_pool_calibration
from simulator.model_cost import ModelCost
from simulator.pool_cost import pool_cost

__all__ = ["COST_MODELS", "PricingError", "cost_of"]

COST_MODELS = ("fitted", "roofline", "table")
NANOSECONDS_PER_SECOND = 1e9
HOST_BANDWIDTH_BYTES_PER_S = 32e9  # Source: PCI Express 4.0 x16, 32 GB/s in one direction; a newer link is faster


class PricingError(PastaError):
    """Report a cost model that does not exist, or tables that it lacks or has no use for."""


def cost_of(
    model: ModelSpec,
    hardware: HardwareSpec,
    *,
    name: str = "fitted",
    tensor_parallel: int = 1,
    kernel_tables: Path | None = None,
    engine_speed: float = 1.0,
) -> ModelCost:
    """Return what steps cost by a cost model; a copied token is read and written once.

    The model `table` takes the kernels of `kernel_tables`, or those that come with this package.

    Raises:
        SpecError: the model does not fit the devices.
        CostError: the spec lacks a number that the formulas need or was calibrated with another model, or the tables
            are not there.
        PricingError: no such cost model, or one that does not go with tables or a speed.
    """
    if name not in COST_MODELS:
        raise PricingError(f"no cost model {name!r}: choose from {', '.join(COST_MODELS)}")
    if name != "table" and kernel_tables is not None:
        raise PricingError(f"the cost model {name!r} has no use for kernel tables; take 'table', or leave them out")
    if kernel_tables is None and engine_speed != 1:
        raise PricingError("an engine's speed is one over its measured layers, so it needs tables of them")
    if name == "fitted" and is_pool_calibration(hardware.calibration):
        return pool_cost(model, hardware, tensor_parallel=tensor_parallel)
    chosen: CostModel
    if kernel_tables is not None:
        chosen = table_model_of(kernel_tables, model, hardware, tensor_parallel=tensor_parallel, speed=engine_speed)
    elif name == "table":
        chosen = shipped_table_model(model, hardware, tensor_parallel=tensor_parallel)
    elif name == "fitted":
        chosen = fitted_model(model, hardware, tensor_parallel=tensor_parallel)
    else:
        chosen = RooflineModel(model, hardware, tensor_parallel)
    moved_bytes = model.kv_bytes_per_token(tensor_parallel)
    copy_ns = 2 * moved_bytes / hardware.memory_bandwidth_bytes_per_s * NANOSECONDS_PER_SECOND
    swap_ns = moved_bytes / HOST_BANDWIDTH_BYTES_PER_S * NANOSECONDS_PER_SECOND
    return ModelCost(chosen, copy_ns_per_token=copy_ns, swap_ns_per_token=swap_ns)
