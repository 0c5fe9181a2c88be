"""The mistakes of cost models that a user can mend.

PastaError
+-- CostError      a step, a profile or a table that a cost model cannot use
"""

from grammar import PastaError

__all__ = ["CostError"]


class CostError(PastaError):
    """Report a step, a profile or a table that a cost model cannot use."""
