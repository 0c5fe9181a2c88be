"""`pasta mask`: what may come next after a prefix, why a token may not, and the grammar for other tools."""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import click

from grammar import PastaError
from pasta_toolkit.cli.shared import examples, write_json
from pasta_toolkit.tokens import DEFAULT_TOKENIZER

if TYPE_CHECKING:
    from pasta_toolkit.mask import TokenMask

__all__ = ["command"]

NEEDED_PACKAGES = ("numpy", "numba")
NUM_SHOWN = 12
ID_MARK = "#"
STREAMS = ("main", "branch")
EXPORTS = ("llguidance", "xgrammar", "xgrammar-tag", "gbnf", "regex")


@click.command(
    name="mask",
    epilog=examples(
        "pasta mask --prefix '<promise topic=\"risks'",
        "pasta mask --tokenizer model.gguf --prefix 'Hi <sync' --explain '/>'",
        "pasta mask --export llguidance --stream branch > branch.lark",
    ),
)
@click.option(
    "--tokenizer",
    default=DEFAULT_TOKENIZER,
    show_default=True,
    metavar="NAME|PATH",
    help="smollm2 (embedded), a tokenizer.json or its folder, a GGUF file, a tekken.json, or a tiktoken file.",
)
@click.option("--prefix", default="", help="What the stream has written so far.")
@click.option("--stream", type=click.Choice(STREAMS), default="main", show_default=True, help="Whose stream it is.")
@click.option("--explain", metavar="TOKEN", help="Say why a token may come next: its text, or its id as #17.")
@click.option("--end", "ends", type=int, multiple=True, help="Id of an end token; needed where the file names none.")
@click.option("--export", type=click.Choice(EXPORTS), help="Write the stream's grammar for another tool instead.")
@click.option("--cache/--no-cache", default=True, show_default=True, help="Keep the compiled mask in the user's cache.")
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(  # noqa: PLR0917
    tokenizer: str,
    prefix: str,
    stream: str,
    explain: str | None,
    ends: tuple[int, ...],
    export: str | None,
    cache: bool,
    output_format: str,
) -> None:
    """Show what may come next after a prefix under the mask, or export the grammar.

    Exit codes: 0 fine, 1 the prefix itself is not legal, 2 wrong usage.
    """
    _check_installed()
    from pasta_toolkit.mask import compile_mask, default_cache_folder, export_grammar, load_vocabulary  # noqa: PLC0415

    if export:
        click.echo(export_grammar(export, stream=stream), nl=False)  # type: ignore[arg-type]
        return
    vocabulary = load_vocabulary(tokenizer, ends=ends or None)
    mask = compile_mask(vocabulary, cache=default_cache_folder() if cache else None)
    report = _report(mask, prefix, stream, explain)
    if output_format == "json":
        write_json("mask", report)
    else:
        _print(report)
    if report["first_wrong_byte"] is not None:
        raise SystemExit(1)


def _check_installed() -> None:
    for package in NEEDED_PACKAGES:
        if find_spec(package) is None:
            raise PastaError(f"`pasta mask` needs the package {package}: pip install 'pasta-toolkit[mask]'")


def _report(mask: "TokenMask", prefix: str, stream: str, explain: str | None) -> dict[str, Any]:
    """Collect what both formats show."""
    from pasta_toolkit.mask import Constraint  # noqa: PLC0415

    content = prefix.encode("utf-8", "surrogateescape")  # bytes that are no text are judged as bytes
    legal_bytes = _legal_length(mask, content, stream)
    if legal_bytes < len(content):
        return {"stream": stream, "prefix": prefix, "first_wrong_byte": legal_bytes}
    state = mask.automaton.walk(mask.automaton.begins[stream], content)
    constraint = Constraint(mask, state)
    ids = constraint.allowed.ids()
    report: dict[str, Any] = {
        "stream": stream,
        "prefix": prefix,
        "first_wrong_byte": None,
        "can_end": constraint.can_end,
        "num_legal": len(ids),
        "num_forbidden": mask.vocabulary.num_logits - len(ids),
        "forced": constraint.forced_bytes().decode(errors="replace"),
        "legal": [_token(mask, token) for token in ids[:NUM_SHOWN].tolist()],
    }
    if explain is not None:
        report["explained"] = [_explained(mask, constraint, token, content) for token in _ids_named(mask, explain)]
    return report


def _legal_length(mask: "TokenMask", content: bytes, stream: str) -> int:
    """Count the bytes before the first one that cannot stand in the stream."""
    from pasta_toolkit.mask import DEAD  # noqa: PLC0415

    state = mask.automaton.begins[stream]
    for place, byte in enumerate(content):
        state = mask.automaton.walk(state, bytes([byte]))
        if state == DEAD:
            return place
    return len(content)


def _token(mask: "TokenMask", token: int) -> dict[str, Any]:
    return {"id": token, "text": mask.vocabulary.tokens[token].decode(errors="replace")}


def _ids_named(mask: "TokenMask", name: str) -> list[int]:
    """Return the tokens that write a text, or the one whose id is given.

    Raises:
        click.BadParameter: there is no such token.
    """
    number = name.removeprefix(ID_MARK)
    if name.startswith(ID_MARK) and number.isdecimal() and int(number) < mask.vocabulary.num_logits:
        return [int(number)]
    ids = list(mask.ids_of.get(name.encode(), ()))
    if not ids:
        message = f"{name!r} is not the text of a token; an id is written {ID_MARK}17"
        raise click.BadParameter(message, param_hint="--explain")
    return ids


def _explained(mask: "TokenMask", constraint: Any, token: int, written: bytes) -> dict[str, Any]:
    """Say of one token whether it may come next, and why not."""
    is_legal = token in constraint.allowed
    return {**_token(mask, token), "is_legal": is_legal, "reason": _reason(mask, constraint, token, written)}


def _reason(mask: "TokenMask", constraint: Any, token: int, written: bytes) -> str:
    content = mask.vocabulary.tokens[token]
    if token in mask.vocabulary.ends:
        return "the stream may end here" if constraint.can_end else "the stream may not end here: something is open"
    if not content:
        return "it is a control token or an unused id, and writes nothing"
    if token in constraint.allowed:
        return "some valid stream goes on with it"
    state = constraint.state
    for place, byte in enumerate(content):
        following = mask.automaton.walk(state, bytes([byte]))
        if following == 0:
            before = (written + content[:place]).decode(errors="replace")[-NUM_SHOWN:]
            return f"its byte {place + 1}, {content[place : place + 1]!r}, cannot follow {before!r}"
        state = following
    return "some valid stream goes on with it"


def _print(report: dict[str, Any]) -> None:
    """Write the report for a person."""
    if report["first_wrong_byte"] is not None:
        place = report["first_wrong_byte"]
        click.echo(f"the prefix is not legal in the stream {report['stream']}: byte {place + 1} cannot stand there")
        return
    click.echo(f"legal: {report['num_legal']} tokens, forbidden: {report['num_forbidden']}")
    click.echo(f"may end here: {'yes' if report['can_end'] else 'no'}")
    if report["forced"]:
        click.echo(f"must follow: {report['forced']!r}")
    shown = " ".join(repr(token["text"]) for token in report["legal"])
    click.echo(f"among the legal: {shown}{' ...' if report['num_legal'] > NUM_SHOWN else ''}")
    for token in report.get("explained", ()):
        verdict = "legal" if token["is_legal"] else "forbidden"
        click.echo(f"{token['id']} {token['text']!r}: {verdict}: {token['reason']}")
