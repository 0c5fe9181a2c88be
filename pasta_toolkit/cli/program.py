"""The group of commands. Imports a command's module only when that command is called, so that `--help` is fast."""

import os
import sys
from importlib import import_module

import click

from grammar import PastaError
from pasta_toolkit.cli.shared import EXIT_USAGE, examples

__all__ = ["main"]

EXIT_INTERRUPTED = 130  # the shell's convention: 128 + SIGINT
TRACEBACK_VARIABLE = "PASTA_TRACEBACK"
HUGE_PAGES_VARIABLE = "THP_MEM_ALLOC_ENABLE"  # of PyTorch: large tensors lie in huge pages

# The name of each command is that of its module under pasta_toolkit.cli.
COMMANDS = {
    "validate": "Check annotated responses: text, JSON, SARIF or GitHub output, with repair.",
    "rule": "Explain a rule of the validator.",
    "format": "Write the canonical text, inline or grouped.",
    "render": "Print the answer without tags.",
    "annotate": "Turn plain answers into annotated ones by their structure.",
    "dag": "Draw the dependency DAG of a response and export it.",
    "stats": "Measure the parallelism of a data set.",
    "simulate": "Predict how long annotated answers take to decode, and why not faster.",
    "replay": "Serve a recorded load again, and compare with what its log says.",
    "calibrate": "Measure this device with a model, and write a hardware profile.",
    "compare": "Lay predicted times beside measured ones, on the same decodes.",
    "decode": "Decode with a real model: forced on documents, or free on prompts.",
    "spec": "List the known devices and models, or show one with derived values and sources.",
    "model": "Fetch, list and show the models that the engine runs.",
    "mask": "Show what may come next under the decoding mask; export the grammar.",
}


class _LazyGroup(click.Group):
    """A group that knows its commands' names and one-liners without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"pasta_toolkit.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        "pasta validate answers.jsonl",
        "pasta annotate plain.jsonl --field output --output annotated.jsonl",
        "pasta dag answer.txt --output answer.png",
    ),
)
@click.version_option(package_name="pasta-toolkit", prog_name="pasta")
def pasta() -> None:
    """Tools for PASTA-LANG, the annotation language of parallel decoding.

    Exit codes: 0 fine, 1 findings, 2 wrong usage or an internal error.
    """


def main() -> None:
    """Run the program; whatever goes wrong becomes one sentence on stderr and an exit code, never a traceback."""
    os.environ.setdefault(HUGE_PAGES_VARIABLE, "1")
    sys.exit(_run())


def _run() -> int:
    try:
        return pasta.main(standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except PastaError as error:
        return _complain(str(error), EXIT_USAGE)
    except (click.Abort, KeyboardInterrupt):
        return _complain("interrupted", EXIT_INTERRUPTED)
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_USAGE
    except Exception as error:
        if TRACEBACK_VARIABLE in os.environ:
            raise
        kind = type(error).__name__
        return _complain(f"internal error: {kind}: {error} ({TRACEBACK_VARIABLE}=1 shows where)", EXIT_USAGE)


def _complain(sentence: str, exit_code: int) -> int:
    click.echo(f"pasta: {sentence}", err=True)
    return exit_code
