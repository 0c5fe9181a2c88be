"""What several commands share: options, examples in help texts, JSON documents. Knows no command."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from pasta_toolkit.tokens import DEFAULT_TOKENIZER

__all__ = [
    "EXIT_FINDINGS",
    "EXIT_USAGE",
    "examples",
    "field_option",
    "form_option",
    "tokenizer_option",
    "write_errors_said",
    "write_json",
]

EXIT_FINDINGS = 1
EXIT_USAGE = 2

Command = TypeVar("Command", bound=Callable[..., Any])

field_option: Callable[[Command], Command] = click.option(
    "--field",
    default="response",
    show_default=True,
    help="Field of a JSON Lines or Parquet record that holds the text.",
)
form_option: Callable[[Command], Command] = click.option(
    "--form",
    type=click.Choice(["response", "main", "branch"]),
    default="response",
    show_default=True,
    help="What the text is: a finished response, the main thread's stream, or one branch's stream.",
)
tokenizer_option: Callable[[Command], Command] = click.option(
    "--tokenizer",
    default=DEFAULT_TOKENIZER,
    show_default=True,
    metavar="NAME|PATH",
    help="smollm2 (embedded, exact), words (an estimate), or the path of a tokenizer.json or its folder.",
)


def examples(*lines: str) -> str:
    """Return an epilog that shows one example a line, kept as written by click."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def write_json(name: str, content: dict[str, Any]) -> None:
    """Write a JSON document with its versioned schema, `pasta.NAME/1`, to stdout."""
    click.echo(json.dumps({"schema": f"pasta.{name}/1", **content}, ensure_ascii=False, indent=2))


@contextmanager
def write_errors_said() -> Iterator[None]:
    """Turn the error of a file that cannot be written into one sentence that names it.

    Raises:
        InputError: a file cannot be written.
    """
    from pasta_toolkit.records import InputError  # noqa: PLC0415

    try:
        yield
    except OSError as error:
        raise InputError(f"cannot write {error.filename!r}: {error.strerror}") from error
