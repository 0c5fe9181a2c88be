"""The time of a step's small kernels: norms, residual sums, activations, the embedding. Knows no products."""

from pasta_toolkit.specs import ModelSpec
from simulator.cost.device import Device, Numbers
from simulator.cost.parameters import KernelParameters

__all__ = ["ELEMENTWISE_PER_LAYER", "elementwise_seconds"]

# Source: aiconfigurator, as in the roofline: two norms with their residual sums, one activation.
ELEMENTWISE_PER_LAYER = 3

NORM_ROWS_MOVED = 4  # the input and the residual are read, both are written


def elementwise_seconds(
    parameters: KernelParameters, device: Device, model: ModelSpec, num_tokens: Numbers, *, tensor_parallel: int = 1
) -> Numbers:
    """Return the seconds of all small kernels of a step: a launch each, and their bytes."""
    norm_numbers = NORM_ROWS_MOVED * model.norms_per_layer * model.hidden_size
    rows_moved = 3 if model.has_gated_feed_forward else 2
    activation_numbers = rows_moved * model.feed_forward_size / tensor_parallel
    numbers = model.num_layers * (norm_numbers + activation_numbers) + 2 * model.hidden_size
    bandwidth = parameters.elementwise_bandwidth_fraction * device.bandwidth_bytes_per_s
    launches = ELEMENTWISE_PER_LAYER * model.num_layers + 1
    return launches * parameters.elementwise_seconds + num_tokens * numbers * model.weight_bytes / bandwidth
