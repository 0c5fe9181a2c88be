"""The program `pasta`: one small file a command, loaded only when it is called."""

from pasta_toolkit.cli.program import main

__all__ = ["main"]
