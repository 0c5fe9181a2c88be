"""The step shapes of a calibration: at most twelve, lanes and contexts and prompts. Values only.

Decode shapes are one prompt a lane, so that contexts may be equal or not. They lie close where decodes are: at 1 to 8.
"""

from dataclasses import dataclass

__all__ = ["MOST_SHAPES", "CalibrationShape", "shapes_for"]

MOST_SHAPES = 12
NUM_STEPS = 12
NUM_PROMPT_VISITS = 2  # a visit has but one step that feeds prompts
SHORT, LONG = 4, 96
LONGEST = 384  # of one lane in a pool without rows
UNEQUAL = (8, 24, 40, 104)


@dataclass(frozen=True, slots=True)
class CalibrationShape:
    """Prompts of so many tokens, one a lane.

    Counted are the steps in which every lane decodes one token, or (`counts_prompts`) the one that feeds the prompts.
    """

    name: str
    prompts: tuple[int, ...]
    num_steps: int = NUM_STEPS
    counts_prompts: bool = False

    @property
    def num_visits(self) -> int:
        """Visits in one round."""
        return NUM_PROMPT_VISITS if self.counts_prompts else 1


def shapes_for(*, copies: bool) -> tuple[CalibrationShape, ...]:
    """Return the shapes for a pool that all lanes share, or for one in which each has a row of its own."""
    return (
        _decode(1),
        _decode(1, context=LONG if copies else LONGEST),
        _decode(2),
        _decode(3),
        CalibrationShape("4 lanes of unequal contexts", UNEQUAL),
        _decode(6),
        _decode(8),
        _decode(8, context=LONG),
        _decode(16),
        _decode(32),
        _prompt(32),
        _prompt(128),
    )


def _decode(num_lanes: int, *, context: int = SHORT) -> CalibrationShape:
    lanes = f"{num_lanes} lane{'s' if num_lanes > 1 else ''}"
    tokens = f", {context} tokens" if context != SHORT else ""
    return CalibrationShape(lanes + tokens, (context,) * num_lanes)


def _prompt(num_tokens: int) -> CalibrationShape:
    return CalibrationShape(f"prompt of {num_tokens}", (num_tokens,), counts_prompts=True)
