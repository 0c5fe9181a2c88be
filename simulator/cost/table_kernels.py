"""Kernels by measured tables, and the table model made of them. What the tables lack comes from the smooth formulas."""

from collections.abc import Iterable
from dataclasses import dataclass

from pasta_toolkit.specs import HardwareSpec, ModelSpec
from simulator.cost.device import Device
from simulator.cost.heads import Heads
from simulator.cost.kernel_sum import KernelSumModel
from simulator.cost.kernel_tables import AttentionTable, MatmulTable
from simulator.cost.measurements import AttentionRow, MatmulRow
from simulator.cost.parameters import KernelParameters, generic_profiles
from simulator.cost.smooth_kernels import SmoothKernels
from simulator.cost.step_shape import PrefillShape

__all__ = ["TableKernels", "table_model"]


@dataclass(frozen=True, slots=True)
class TableKernels:
    """Say how long kernels take by interpolation; prefill attention and small kernels by formula."""

    matmuls: MatmulTable
    attentions: AttentionTable
    formulas: SmoothKernels

    def host_seconds(self, num_layers: int, kernel_seconds: float) -> float:
        """Return what the host adds to a step whose kernels take so long."""
        return self.formulas.host_seconds(num_layers, kernel_seconds)

    def matmul_seconds(self, *, rows: int, outer: int, inner: int) -> float:
        """Return the seconds of (rows, inner) @ (inner, outer)."""
        return self.matmuls.seconds(rows=rows, outer=outer, inner=inner)

    def attention_seconds(self, heads: Heads, *, num_lanes: int, context: float) -> float:
        """Return the seconds of one layer's decode attention over lanes of equal context."""
        return self.attentions.seconds(heads, num_lanes=num_lanes, context=context)

    def prefill_attention_seconds(self, heads: Heads, prefills: tuple[PrefillShape, ...]) -> float:
        """Return the seconds of one layer's attention over chunks of prompts."""
        return self.formulas.prefill_attention_seconds(heads, prefills)

    def elementwise_seconds(self, model: ModelSpec, num_tokens: int, *, tensor_parallel: int) -> float:
        """Return the seconds of all norms, residual sums, activations and of the embedding."""
        return self.formulas.elementwise_seconds(model, num_tokens, tensor_parallel=tensor_parallel)


def table_model(
    model: ModelSpec,
    hardware: HardwareSpec,
    *,
    matmuls: Iterable[MatmulRow],
    attentions: Iterable[AttentionRow],
    tensor_parallel: int = 1,
    log_residuals: tuple[float, ...] = (),
) -> KernelSumModel:
    """Return the table model of a device from measured rows of it; `log_residuals` of a validation give the interval.

    Raises:
        SpecError: the model does not fit the devices.
        CostError: a table is empty, or the spec lacks a number that the formulas need.
    """
    profile = hardware.calibration or generic_profiles().of(hardware)
    formulas = SmoothKernels(KernelParameters.of(profile.parameters), Device.of(hardware))
    kernels = TableKernels(MatmulTable.of(matmuls, hardware), AttentionTable.of(attentions), formulas)
    return KernelSumModel("table", model, hardware, kernels, tensor_parallel, log_residuals)
