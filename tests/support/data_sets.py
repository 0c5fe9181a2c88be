"""Small data sets for the tests of commands: `FIXABLE` can be mended safely to `GOOD`, `BROKEN` by guessing."""

import json
from pathlib import Path

__all__ = ["BROKEN", "FIXABLE", "GOOD", "write_lines"]

CONTENT = "A text of this branch that is long enough to be worth a thread of its own, some thirty words or so. " * 3
GOOD = (
    f'Start. <promise topic="first" tokens="80"/><async>{CONTENT}</async>'
    f'<promise topic="second" tokens="80"/><async>{CONTENT[::-1]}</async><sync/> End.'
)
FIXABLE = GOOD.replace('<promise topic="first" tokens="80"/>', "<promise tokens='80'   topic='first'/>")
BROKEN = f"{GOOD}<sync/>"


def write_lines(path: Path, *texts: str, field: str = "response") -> Path:
    """Write records of JSON Lines that hold other fields too; return the path."""
    lines = (
        f'{{ "id":{index},  {json.dumps(field)}: {json.dumps(text)}, "score": 1.0}}\n'
        for index, text in enumerate(texts)
    )
    path.write_text("".join(lines), encoding="utf-8", newline="")
    return path
