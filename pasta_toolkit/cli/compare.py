"""The command `pasta compare`: measures decodes, or reads measured ones, predicts them, and shows where they differ."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pasta_toolkit.cli.calibrate import DEFAULT_SECONDS, engine_options
from pasta_toolkit.cli.engine_options import jump_forward_option, positions_option
from pasta_toolkit.cli.shared import EXIT_FINDINGS, examples, field_option, write_errors_said, write_json
from pasta_toolkit.cli.simulate_options import option_group

if TYPE_CHECKING:
    from pasta_toolkit.cli.calibrate import CalibratedProfile
    from pasta_toolkit.cli.compare_predictions import Predictions
    from pasta_toolkit.report.comparison import Comparison

__all__ = ["command"]

PROBE_EVERY = 4  # ours, in steps: a quarter more time, and what so many say of a decode's speed is 0.6 % off (median)

input_options = option_group(
    field_option,
    click.option("--prompt-field", default="instruction", show_default=True, help="Field that holds the prompt."),
    click.option("--limit", type=click.IntRange(min=1), metavar="N", help="The first N documents that are chosen."),
    click.option(
        "--most-tokens",
        type=click.IntRange(min=1),
        metavar="N",
        help="Choose only documents whose rendered answer has at most N tokens.",
    ),
    click.option(
        "--parallel-only", is_flag=True, help="Choose only documents with a promise: others have a speed-up of 1."
    ),
    click.option(
        "--free", "is_free", is_flag=True, help="PATH holds prompts: the model answers them, and that is replayed."
    ),
    click.option(
        "--teach", "is_taught", is_flag=True, help="With --free: explain the language and show two answers before each."
    ),
    click.option(
        "--max-tokens", type=int, default=256, show_default=True, help="With --free: most tokens of a thread."
    ),
    click.option(
        "--recording",
        type=click.Path(path_type=Path),
        help="Compare a trace that `pasta decode --sequential --trace` wrote.",
    ),
)
measuring_options = option_group(
    positions_option,
    jump_forward_option,
    click.option(
        "--repetitions", type=click.IntRange(min=1), default=2, show_default=True, help="Decodes of each kind, in turn."
    ),
    click.option(
        "--together",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        metavar="N",
        help="Decode N documents at a time, some steps of each in turn, so that a machine which is slower now and then "
        "hits all alike. Whoever stops early loses those under way.",
    ),
    click.option(
        "--probe-every",
        type=click.IntRange(min=0),
        default=PROBE_EVERY,
        show_default=True,
        metavar="N",
        help="After every N steps, time one of one lane, which tells how fast the machine is just then; 0: never. Not "
        "with --together.",
    ),
    click.option(
        "--measurements",
        type=click.Path(path_type=Path),
        help="Keep measurements in this file, and go on where it ends. Without PATH: compare what it holds.",
    ),
    click.option(
        "--ablations",
        "is_ablation",
        is_flag=True,
        help="One table instead: layouts, positions, branches, contexts, jump-forward.",
    ),
)
predicting_options = option_group(
    click.option(
        "--hardware",
        "hardware_name",
        metavar="NAME|PATH",
        help="The profile that `pasta calibrate` wrote, or a device of pasta spec. Default: calibrate between the "
        "decodes.",
    ),
    click.option(
        "--cost",
        "cost_name",
        type=click.Choice(["fitted", "roofline"]),
        default="fitted",
        show_default=True,
        help="Cost model.",
    ),
    click.option("--model-spec", metavar="NAME|PATH", help="The model for the simulator. Default: that of the engine."),
    click.option(
        "--seconds",
        type=click.FloatRange(min=0, max=120),
        default=DEFAULT_SECONDS,
        show_default=True,
        help="Length of that calibration.",
    ),
    click.option(
        "--save-profile",
        "profile_path",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write the profile of that calibration.",
    ),
)
output_options = option_group(
    click.option(
        "--format",
        "output_format",
        type=click.Choice(["json", "markdown", "text"]),
        default="text",
        show_default=True,
    ),
    click.option("--html", "html_path", type=click.Path(path_type=Path), help="Write a report as one HTML file."),
    click.option("--plots", "plots_path", type=click.Path(path_type=Path), help="Write plots as SVG into a folder."),
)


@click.command(
    name="compare",
    epilog=examples(
        "pasta compare annotated.jsonl --hardware profile.toml --html report.html",
        "pasta compare annotated.jsonl --parallel-only --limit 200 --measurements runs.jsonl",
        "pasta compare annotated.jsonl --together 200 --save-profile profile.toml --measurements runs.jsonl",
        "pasta compare --measurements runs.jsonl --hardware profile.toml --format json",
        "pasta compare --recording trace.jsonl --hardware profile.toml",
        "pasta compare --ablations --hardware profile.toml",
    ),
)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@input_options
@engine_options
@measuring_options
@predicting_options
@output_options
def command(paths: tuple[str, ...], **options: Any) -> None:
    """Decode annotated answers in parallel and sequentially, predict both, and show how far the prediction is off.

    PATH is a file or a folder of annotated responses. Each is decoded in both ways in turn. The structure of prediction
    and measurement must be equal, event by event; what differs is named and left out, and the exit code is 1, as it is
    when the profile is found to be wrong.
    """
    from pasta_toolkit.cli.compare_ablations import run_ablations  # noqa: PLC0415
    from pasta_toolkit.cli.compare_predictions import Predictions  # noqa: PLC0415
    from pasta_toolkit.cli.compare_sources import source_of  # noqa: PLC0415

    _refuse_unknown_names(options)
    _refuse_useless(options)
    if options["is_ablation"]:
        if paths or options["recording"] is not None:
            raise click.UsageError("--ablations brings its own documents; leave PATH and --recording away")
        run_ablations(options)
        return
    if not paths and options["recording"] is None and options["measurements"] is None:
        raise click.UsageError("Missing argument 'PATH...': annotated responses, or --measurements or --recording.")
    predictions = Predictions(source_of(paths, options), options)
    if predictions.calibrated is not None and options["profile_path"] is not None:
        predictions.calibrated.write(options["profile_path"])
    comparison, num_different = _compared(predictions)
    _show(comparison, predictions.calibrated, options["output_format"])
    _write_files(comparison, options)
    if num_different or comparison.findings:
        sys.exit(EXIT_FINDINGS)


def _refuse_unknown_names(options: dict[str, Any]) -> None:
    """Look up the device and the model that are named, before minutes go into a measurement that they would waste."""
    from pasta_toolkit.specs import load_hardware, load_model  # noqa: PLC0415

    for load, name in ((load_hardware, options["hardware_name"]), (load_model, options["model_spec"])):
        if name is not None:
            load(name)


def _refuse_useless(options: dict[str, Any]) -> None:
    """Refuse options that would have no effect, before minutes go into a measurement."""
    if options["is_ablation"] and (options["together"] > 1 or options["profile_path"] is not None):
        raise click.UsageError(
            "--ablations decodes one after the other and keeps no profile; leave --together and --save-profile away"
        )
    if options["together"] > 1 and options["is_free"]:
        raise click.UsageError("--together is for documents: what a model answers with --free is not known before")
    if options["profile_path"] is not None and options["hardware_name"] is not None:
        raise click.UsageError("--save-profile is for a profile that is calibrated now; leave --hardware away")


def _compared(predictions: "Predictions") -> "tuple[Comparison, int]":
    """Predict and compare every document; one whose structure differs is named on stderr."""
    from pasta_toolkit.report.comparison import compare, compare_document  # noqa: PLC0415
    from pasta_toolkit.report.measurement import MeasurementError  # noqa: PLC0415

    rows, num_different = [], 0
    for name, measurements in predictions.source.by_document().items():
        predicted = predictions.of(name, measurements)
        try:
            rows.append(compare_document(predicted, measurements))
        except MeasurementError as error:
            num_different += 1
            click.echo(f"pasta: {error}", err=True)
            continue
        predictions.note(predicted, measurements)
    if not rows:
        raise MeasurementError("no document can be compared; see above")
    comparison = compare(rows, priced=predictions.priced, about=predictions.about(len(rows)), shown=predictions.shown)
    return comparison, num_different


def _show(comparison: "Comparison", calibrated: "CalibratedProfile | None", output_format: str) -> None:
    from pasta_toolkit.report.comparison_data import comparison_content  # noqa: PLC0415
    from pasta_toolkit.report.comparison_text import comparison_markdown, comparison_text  # noqa: PLC0415

    if output_format == "json":
        content = comparison_content(comparison)
        write_json("compare", {**content, "calibration": None if calibrated is None else calibrated.content()})
    else:
        renderer = comparison_markdown if output_format == "markdown" else comparison_text
        click.echo(renderer(comparison), nl=False)


def _write_files(comparison: "Comparison", options: dict[str, Any]) -> None:
    from pasta_toolkit.report.comparison_plots import write_comparison_plots  # noqa: PLC0415
    from pasta_toolkit.report.comparison_text import comparison_html  # noqa: PLC0415

    with write_errors_said():
        if options["html_path"] is not None:
            options["html_path"].write_text(comparison_html(comparison), encoding="utf-8")
        if options["plots_path"] is not None:
            write_comparison_plots(comparison, options["plots_path"])
