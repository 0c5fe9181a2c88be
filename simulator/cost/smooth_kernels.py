"""Kernels by the smooth formulas, and the fitted model made of them. Knows no tables and no fitting."""

import math
from dataclasses import dataclass

from pasta_toolkit.specs import Calibration, HardwareSpec, ModelSpec
from simulator.cost.attention import decode_attention_seconds
from simulator.cost.attention_work import prefill_pairs
from simulator.cost.device import Device
from simulator.cost.elementwise import elementwise_seconds
from simulator.cost.heads import Heads
from simulator.cost.kernel_sum import KernelSumModel
from simulator.cost.matmul import matmul_seconds
from simulator.cost.parameters import KernelParameters, generic_profiles
from simulator.cost.step_shape import PrefillShape

__all__ = ["SmoothKernels", "fitted_model"]


@dataclass(frozen=True, slots=True)
class SmoothKernels:
    """Say how long kernels take by formulas with a profile's parameters."""

    parameters: KernelParameters
    device: Device

    def host_seconds(self, num_layers: int, kernel_seconds: float) -> float:
        """Return what the host adds: its work between steps, and the launches that the kernels do not hide."""
        launching = num_layers * self.parameters.host_seconds_per_layer
        return self.parameters.host_seconds_per_step + max(0.0, launching - kernel_seconds)

    def matmul_seconds(self, *, rows: int, outer: int, inner: int) -> float:
        """Return the seconds of (rows, inner) @ (inner, outer)."""
        return float(matmul_seconds(self.parameters, self.device, rows=rows, outer=outer, inner=inner))

    def attention_seconds(self, heads: Heads, *, num_lanes: int, context: float) -> float:
        """Return the seconds of one layer's decode attention over lanes of equal context."""
        seconds = decode_attention_seconds(
            self.parameters,
            self.device,
            num_lanes=num_lanes,
            num_kv_heads=heads.num_kv_heads,
            kv_bytes=num_lanes * context * heads.token_bytes,
            mean_context=context,
        )
        return float(seconds)

    def prefill_attention_seconds(self, heads: Heads, prefills: tuple[PrefillShape, ...]) -> float:
        """Return the seconds of one layer's attention over chunks: operations, KV bytes and a launch."""
        pairs = sum(map(prefill_pairs, prefills))
        rate = self.parameters.prefill_flops_fraction * self.device.flops_per_s
        compute = 4 * heads.num_query_heads * heads.head_size * pairs / rate
        kv_bytes = heads.token_bytes * sum(chunk.context_tokens + chunk.chunk_tokens for chunk in prefills)
        memory = kv_bytes / (self.parameters.attention_bandwidth_fraction * self.device.bandwidth_bytes_per_s)
        launch = self.parameters.attention_launch_cycles / self.device.clock_hz
        return float(math.hypot(compute, memory) + launch)

    def elementwise_seconds(self, model: ModelSpec, num_tokens: int, *, tensor_parallel: int) -> float:
        """Return the seconds of all norms, residual sums, activations and of the embedding."""
        return float(
            elementwise_seconds(self.parameters, self.device, model, num_tokens, tensor_parallel=tensor_parallel)
        )


def fitted_model(
    model: ModelSpec, hardware: HardwareSpec, *, tensor_parallel: int = 1, profile: Calibration | None = None
) -> KernelSumModel:
    """Return the fitted model with `profile`, else with the device's own calibration, else with the generic profile.

    Raises:
        SpecError: the model does not fit the devices.
        CostError: the spec lacks a number that the formulas need, or the profile a parameter.
    """
    chosen = profile or hardware.calibration or generic_profiles().of(hardware)
    kernels = SmoothKernels(KernelParameters.of(chosen.parameters), Device.of(hardware))
    return KernelSumModel("fitted", model, hardware, kernels, tensor_parallel, chosen.log_residuals)
