"""Options of the commands that read records."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

__all__ = ["jobs_option", "paths_argument", "stdin_format_option"]

Command = TypeVar("Command", bound=Callable[..., Any])


def _num_jobs(context: click.Context, parameter: click.Parameter, value: int) -> int:
    return value or os.cpu_count() or 1


paths_argument: Callable[[Command], Command] = click.argument("paths", nargs=-1, required=True, metavar="PATH...")
jobs_option: Callable[[Command], Command] = click.option(
    "--jobs",
    "num_jobs",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    callback=_num_jobs,
    metavar="N",
    help="Processes that work side by side; 0 is one a core. The output does not depend on it.",
)
stdin_format_option: Callable[[Command], Command] = click.option(
    "--stdin-format",
    type=click.Choice(["auto", "jsonl", "text"]),
    default="auto",
    show_default=True,
    help="What `-` holds; auto takes it for JSON Lines if it begins with a JSON object.",
)
