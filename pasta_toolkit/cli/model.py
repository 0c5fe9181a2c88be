"""`pasta model`: fetches models for the engine, lists them, shows one. Computes nothing itself."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from grammar import PastaError
from pasta_toolkit.cli.shared import examples, write_json

if TYPE_CHECKING:
    from reference_engine.model.summary import ModelSummary

__all__ = ["command"]

NEEDED_PACKAGES = ("torch", "safetensors", "gguf")
DEFAULT_NAME = "smollm2"
MEGA = 1e6

format_option = click.option(
    "--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True
)


@click.group(
    name="model",
    epilog=examples("pasta model fetch", "pasta model list", "pasta model show smollm2 --format json"),
)
def command() -> None:
    """Fetch, list and show the models that the engine runs."""
    for package in NEEDED_PACKAGES:
        if find_spec(package) is None:
            raise PastaError(f"`pasta model` needs the package {package}: pip install 'pasta-toolkit[engine]'")


@command.command(epilog=examples("pasta model fetch", "pasta model fetch gemma3-270m --cache models"))
@click.argument("name", default=DEFAULT_NAME)
@click.option("--force", "is_forced", is_flag=True, help="Fetch it again, and replace what is there.")
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep it in this folder instead of the user's cache (or PASTA_MODELS).",
)
@format_option
def fetch(name: str, *, is_forced: bool, cache: Path | None, output_format: str) -> None:
    """Download a model, verify it, convert it once, and print its folder.

    Without NAME it is SmolLM2-135M-Instruct: 93 MB to download, 540 MB to keep. `pasta model list` knows the others.
    """
    from reference_engine.model.fetch import fetch_model  # noqa: PLC0415

    folder = fetch_model(name, cache=cache, is_forced=is_forced, report=lambda sentence: click.echo(sentence, err=True))
    if output_format == "json":
        write_json("model", {"name": name, "path": str(folder)})
    else:
        click.echo(str(folder))


@command.command(name="list", epilog=examples("pasta model list", "pasta model list --format json"))
@format_option
def list_models(*, output_format: str) -> None:
    """List the models that can be fetched, and say which are here."""
    from reference_engine.model.known import KNOWN_MODELS, model_cache  # noqa: PLC0415

    models: list[dict[str, Any]] = [
        {
            "name": model.name,
            "title": model.title,
            "licence": model.licence,
            "download_bytes": model.download_bytes,
            "is_here": (model_cache() / model.name).is_dir(),
        }
        for model in KNOWN_MODELS.values()
    ]
    if output_format == "json":
        write_json("model", {"cache": str(model_cache()), "models": models})
        return
    for model in models:
        state = "here" if model["is_here"] else f"to fetch, {model['download_bytes'] / MEGA:.0f} MB"
        click.echo(f"{model['name']:<12}  {model['title']} ({model['licence']}): {state}")


@command.command(epilog=examples("pasta model show", "pasta model show path/to/folder", "pasta model show model.gguf"))
@click.argument("source", metavar="[NAME|PATH]", default=DEFAULT_NAME)
@format_option
def show(source: str, *, output_format: str) -> None:
    """Show the shape of a model and what it costs: parameters, bytes, bytes of KV cache a token."""
    from reference_engine.model.summary import summarise  # noqa: PLC0415

    summary = summarise(source)
    if output_format == "json":
        write_json("model", summary.as_json())
    else:
        _print(summary)


def _print(summary: "ModelSummary") -> None:
    """Write a summary for a person; what a model has not is left out."""
    click.echo(
        f"{summary.name}: {summary.num_parameters:,} parameters, {summary.num_file_bytes:,} bytes in {summary.path}"
    )
    per_token = ", ".join(f"{size:,} bytes in {kind}" for kind, size in summary.kv_bytes_per_token.items())
    click.echo(f"KV cache a token: {per_token}\n")
    shape: dict[str, Any] = summary.as_json()["config"]
    for key, value in shape.items():
        if value not in (None, False, ()):
            click.echo(f"{key} = {_layers(value) if key == 'layer_is_sliding' else value}")
    for key, value in summary.origin.items():
        click.echo(f"{key}: {', '.join(value) if isinstance(value, list) else value}")


def _layers(is_sliding: tuple[bool, ...]) -> str:
    return ", ".join(str(layer) for layer, slides in enumerate(is_sliding) if slides)
