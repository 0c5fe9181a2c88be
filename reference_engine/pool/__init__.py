"""The KV pool: one memory for all threads, the slots they are given, and who sees which."""

from reference_engine.pool.kv_pool import KvPool, Line
from reference_engine.pool.placement import Holding, Placement, placement_for
from reference_engine.pool.storage import KvStorage
from reference_engine.pool.swapping import Swapped, swap_in, swap_out
from reference_engine.pool.visibility import Orders

__all__ = [
    "Holding",
    "KvPool",
    "KvStorage",
    "Line",
    "Orders",
    "Placement",
    "Swapped",
    "placement_for",
    "swap_in",
    "swap_out",
]
