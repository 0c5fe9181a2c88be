"""Predicts many rows of a table at once with the formulas of the fitted model, for fitting. Knows no least squares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from pasta_toolkit.specs import HardwareSpec, ModelSpec
from simulator.cost.attention import decode_attention_seconds
from simulator.cost.device import Device
from simulator.cost.elementwise import elementwise_seconds
from simulator.cost.least_squares import Vector
from simulator.cost.matmul import matmul_seconds
from simulator.cost.measurements import AttentionRow, MatmulRow, StepRow
from simulator.cost.parameters import KernelParameters

__all__ = ["AttentionBatch", "MatmulBatch", "StepBatch", "attention_batch", "matmul_batch", "step_batches"]


@dataclass(frozen=True, slots=True)
class MatmulBatch:
    """Measured products as arrays."""

    device: Device
    rows: Vector
    outer: Vector
    inner: Vector
    seconds: Vector

    def log_errors(self, parameters: KernelParameters) -> Vector:
        """Return log(predicted / measured) of each row."""
        predicted = matmul_seconds(parameters, self.device, rows=self.rows, outer=self.outer, inner=self.inner)
        return np.asarray(np.log(predicted / self.seconds))


@dataclass(frozen=True, slots=True)
class AttentionBatch:
    """Measured decode attention as arrays."""

    device: Device
    num_lanes: Vector
    num_kv_heads: Vector
    kv_bytes: Vector
    context: Vector
    seconds: Vector

    def log_errors(self, parameters: KernelParameters) -> Vector:
        """Return log(predicted / measured) of each row."""
        predicted = decode_attention_seconds(
            parameters,
            self.device,
            num_lanes=self.num_lanes,
            num_kv_heads=self.num_kv_heads,
            kv_bytes=self.kv_bytes,
            mean_context=self.context,
        )
        return np.asarray(np.log(predicted / self.seconds))


@dataclass(frozen=True, slots=True)
class StepBatch:
    """Measured steps of one model on one device as arrays; equal contexts, no sliding window."""

    model: ModelSpec
    device: Device
    tensor_parallel: int
    num_lanes: Vector
    context: Vector
    seconds: Vector

    def predicted(self, parameters: KernelParameters) -> Vector:
        """Return the seconds of each row, without all-reduces and host, as the fitted model says."""
        total = np.zeros_like(self.seconds)
        for matrix in self.model.matrices(self.tensor_parallel):
            total += matrix.count * matmul_seconds(
                parameters, self.device, rows=self.num_lanes, outer=matrix.outer_size, inner=matrix.inner_size
            )
        num_kv_heads = self.model.kv_heads_per_device(self.tensor_parallel)
        token_bytes = 2 * num_kv_heads * self.model.head_size * self.model.kv_bytes
        attention = decode_attention_seconds(
            parameters,
            self.device,
            num_lanes=self.num_lanes,
            num_kv_heads=num_kv_heads,
            kv_bytes=self.num_lanes * self.context * token_bytes,
            mean_context=self.context,
        )
        total += self.model.num_layers * attention
        elementwise = elementwise_seconds(
            parameters, self.device, self.model, self.num_lanes, tensor_parallel=self.tensor_parallel
        )
        return np.asarray(total + elementwise)

    def log_errors(self, parameters: KernelParameters) -> Vector:
        """Return log(predicted / measured) of each row."""
        return np.asarray(np.log(self.predicted(parameters) / self.seconds))


def matmul_batch(rows: Sequence[MatmulRow], hardware: Mapping[str, HardwareSpec]) -> MatmulBatch:
    """Turn rows into arrays; `hardware` maps the table's device names to specs."""
    return MatmulBatch(
        _devices([row.device for row in rows], hardware),
        _array([row.rows for row in rows]),
        _array([row.outer for row in rows]),
        _array([row.inner for row in rows]),
        _array([row.seconds for row in rows]),
    )


def attention_batch(rows: Sequence[AttentionRow], hardware: Mapping[str, HardwareSpec]) -> AttentionBatch:
    """Turn rows into arrays; `hardware` maps the table's device names to specs."""
    kv_bytes = [4 * row.num_lanes * row.context * row.num_kv_heads * row.head_size for row in rows]
    return AttentionBatch(
        _devices([row.device for row in rows], hardware),
        _array([row.num_lanes for row in rows]),
        _array([row.num_kv_heads for row in rows]),
        _array(kv_bytes),
        _array([row.context for row in rows]),
        _array([row.seconds for row in rows]),
    )


def step_batches(
    rows: Sequence[StepRow], hardware: Mapping[str, HardwareSpec], models: Mapping[str, ModelSpec]
) -> tuple[StepBatch, ...]:
    """Turn rows into one batch for each device, model and degree, in the order of the rows within each."""

    def key(row: StepRow) -> tuple[str, str, int]:
        return (row.device, row.model, row.tensor_parallel)

    return tuple(
        _step_batch(tuple(group), hardware[device], models[model], degree)
        for (device, model, degree), group in groupby(sorted(rows, key=key), key=key)
    )


def _step_batch(rows: tuple[StepRow, ...], hardware: HardwareSpec, model: ModelSpec, tensor_parallel: int) -> StepBatch:
    return StepBatch(
        model,
        Device.of(hardware),
        tensor_parallel,
        _array([row.num_lanes for row in rows]),
        _array([row.context for row in rows]),
        _array([row.seconds for row in rows]),
    )


def _devices(names: Sequence[str], hardware: Mapping[str, HardwareSpec]) -> Device:
    of_name = {name: Device.of(hardware[name]) for name in set(names)}
    devices = [of_name[name] for name in names]
    return Device(
        flops_per_s=_array([device.flops_per_s for device in devices]),
        bandwidth_bytes_per_s=_array([device.bandwidth_bytes_per_s for device in devices]),
        num_units=_array([device.num_units for device in devices]),
        clock_hz=_array([device.clock_hz for device in devices]),
        cache_bytes=_array([device.cache_bytes for device in devices]),
    )


def _array(values: Sequence[float]) -> Vector:
    return np.array(values, dtype=np.float64)
