"""The table of `pasta compare --ablations`: one thing changed at a time, predicted and measured.

The documents are made here: every branch says the same number of words, so that only what is named differs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from grammar import Document, parse
from pasta_toolkit.cli.compare_engine import about_engine, engine_with, load_measuring_engine
from pasta_toolkit.cli.compare_measuring import MeasuringPlan, measured
from pasta_toolkit.cli.compare_predictions import Predictions
from pasta_toolkit.cli.compare_sources import Source
from pasta_toolkit.cli.shared import write_json
from pasta_toolkit.dag.statistics import markdown_grid, plain_grid
from pasta_toolkit.report.ablation_table import ablation_content, ablation_grid
from pasta_toolkit.report.comparison import compare_document
from reference_engine.forced import idle_prompt
from reference_engine.measuring import ForcedTask

if TYPE_CHECKING:
    from pasta_toolkit.report.comparison_row import ComparisonRow
    from reference_engine import Engine

__all__ = ["Ablation", "ablations", "run_ablations"]

TEXT = "bread needs time and warmth and a little salt before it goes into the oven where it will rise once more"
BRANCH_WORDS = 32
PROMISED_TOKENS = 40
NUM_BRANCHES = 4
PROMPT_TOKENS = 32
BRANCHES = (1, 2, 4, 8, 16, 32)
PROMPTS = (32, 256, 1024)


@dataclass(frozen=True, slots=True)
class Ablation:
    """One row of the table: what is changed, and how far."""

    group: str
    setting: str
    num_branches: int = NUM_BRANCHES
    prompt_tokens: int = PROMPT_TOKENS
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def document(self) -> Document:
        """The document: an opening, branches of equal length, a sync, a conclusion."""
        promises = "".join(
            f'<promise topic="part {number}" tokens="{PROMISED_TOKENS}"/>' for number in range(1, self.num_branches + 1)
        )
        blocks = f"<async>{_text(BRANCH_WORDS)}</async>" * self.num_branches
        return parse(f"{_text(6)}\n{promises}{blocks}<sync/>\n{_text(8)}")


def ablations() -> tuple[Ablation, ...]:
    """Return all rows; those of one layout stand together."""
    return (
        *(Ablation("branches", f"{count}", num_branches=count) for count in BRANCHES),
        *(Ablation("prompt", f"{tokens} tokens", prompt_tokens=tokens) for tokens in PROMPTS),
        *(
            Ablation("positions", policy, changes={"positions": policy})
            for policy in ("predicted", "fixed:64", "oracle", "shared")
        ),
        Ablation("jump-forward", "off"),
        Ablation("jump-forward", "on", changes={"jump_forward": True}),
        Ablation("layout", "interleaved"),
        Ablation("layout", "paged", changes={"layout": "paged"}),
        Ablation("layout", "copied", changes={"layout": "copied"}),
        Ablation("layout", "copied, 16 branches", num_branches=16, changes={"layout": "copied"}),
        Ablation("layout", "interleaved, 16 branches", num_branches=16),
    )


def run_ablations(options: dict[str, Any]) -> None:
    """Measure and predict every row, and print the table."""
    engine = load_measuring_engine({**options, "layout": "interleaved"})
    rows = [ablation_content(ablation.group, ablation.setting, row=row) for ablation, row in _rows(engine, options)]
    if options["output_format"] == "json":
        write_json("ablations", {"about": about_engine(engine, mode="forced"), "rows": rows})
        return
    renderer = markdown_grid if options["output_format"] == "markdown" else plain_grid
    click.echo(renderer(ablation_grid(rows)))


def _rows(engine: "Engine", options: dict[str, Any]) -> "Iterator[tuple[Ablation, ComparisonRow]]":
    """Yield all rows; the profile of a layout is made or derived when it is first needed."""
    predictors: dict[bool, Predictions] = {}
    for ablation in ablations():
        changed = engine_with(engine, **ablation.changes)
        source = _source(changed, ablation, options)
        copies = changed.pool.copies
        own = {**options, "hardware_name": None} if copies else options
        if copies not in predictors:
            predictors[copies] = Predictions(source, own)
        predictions = predictors[copies].with_source(source)
        (name, measurements) = next(iter(source.by_document().items()))
        yield ablation, compare_document(predictions.of(name, measurements), measurements)


def _source(engine: "Engine", ablation: Ablation, options: Mapping[str, Any]) -> Source:
    name = f"{ablation.group}: {ablation.setting}"
    task = ForcedTask(name, idle_prompt(ablation.prompt_tokens), ablation.document)
    about = about_engine(engine, mode="forced")
    path = _path(options["measurements"], ablation)
    found = measured(engine, [task], MeasuringPlan(options["repetitions"], options["probe_every"], path), about=about)
    return Source(about, tuple(found.decodes), {name: ablation.document}, engine)


def _path(path: Path | None, ablation: Ablation) -> Path | None:
    """Return a file of its own for each set of options, beside the one that was named."""
    if path is None:
        return None
    changed = "-".join(f"{value}".replace(":", "") for value in ablation.changes.values()) or "default"
    return path.with_name(f"{path.stem}.{changed}{path.suffix}")


def _text(num_words: int) -> str:
    words = TEXT.split()
    return " ".join(words[place % len(words)] for place in range(num_words)).capitalize() + "."
