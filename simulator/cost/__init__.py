"""How long a step takes: roofline, fitted and table models behind one protocol. Knows no scheduler and no clock."""

from simulator.cost.errors import CostError
from simulator.cost.kernel_sum import Kernels, KernelSumModel
from simulator.cost.parameters import KernelParameters, generic_profiles
from simulator.cost.profile_text import format_calibration
from simulator.cost.roofline import RooflineModel
from simulator.cost.serving_profile import ServingProfile, ServingTableModel
from simulator.cost.smooth_kernels import fitted_model
from simulator.cost.step_cost import CostModel, StepCost, Term
from simulator.cost.step_shape import PrefillShape, StepShape
from simulator.cost.table_files import shipped_table_model, table_model_of
from simulator.cost.table_kernels import table_model

__all__ = [
    "CostError",
    "CostModel",
    "KernelParameters",
    "KernelSumModel",
    "Kernels",
    "PrefillShape",
    "RooflineModel",
    "ServingProfile",
    "ServingTableModel",
    "StepCost",
    "StepShape",
    "Term",
    "fitted_model",
    "format_calibration",
    "generic_profiles",
    "shipped_table_model",
    "table_model",
    "table_model_of",
]
