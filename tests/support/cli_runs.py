"""Runs commands of `pasta` within the test's process, as the program would."""

from dataclasses import dataclass

from click.testing import CliRunner

from grammar import PastaError
from pasta_toolkit.cli.program import pasta
from pasta_toolkit.cli.shared import EXIT_USAGE

__all__ = ["Run", "run"]


@dataclass(frozen=True, slots=True)
class Run:
    """What a run wrote, and how it ended."""

    exit_code: int
    output: bytes
    stderr: str

    @property
    def stdout(self) -> str:
        """What was written to standard output, as text."""
        return self.output.decode("utf-8")


def run(*arguments: str, stdin: bytes = b"") -> Run:
    """Run `pasta` with arguments; any exception but a user's mistake is raised."""
    result = CliRunner().invoke(pasta, arguments, input=stdin, prog_name="pasta")
    if isinstance(result.exception, PastaError):
        return Run(EXIT_USAGE, result.stdout_bytes, f"{result.stderr}pasta: {result.exception}\n")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Run(result.exit_code, result.stdout_bytes, result.stderr)
