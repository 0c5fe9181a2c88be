"""`pasta mask` as a user runs it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pasta_toolkit.cli.mask import EXPORTS, command
from pasta_toolkit.mask import EXPORTS as OWN_EXPORTS


@pytest.fixture(scope="module", autouse=True)
def _one_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compile the mask once for all tests of this file, in a folder of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments))


def test_it_says_what_must_follow() -> None:
    result = run("--prefix", "Hi <promise ")
    assert result.exit_code == 0
    assert "must follow: 'topic=\"'" in result.output
    assert "may end here: no" in result.output


def test_it_explains_tokens_by_text_and_by_id() -> None:
    result = run("--prefix", "Hi <sync", "--explain", "/>")
    assert "forbidden: its byte 2, b'>', cannot follow 'Hi <sync/'" in result.output or "cannot follow" in result.output
    assert "may not end here" in run("--prefix", "Hi <sync", "--explain", "#2").output
    assert "control token" in run("--explain", "#5").output
    assert run("--explain", "no such token at all").exit_code == 2


def test_an_illegal_prefix_is_a_finding_with_its_place() -> None:
    result = run("--prefix", "Hi <sync/>")
    assert result.exit_code == 1
    assert "byte 9 cannot stand there" in result.output


def test_a_prefix_that_is_no_text_is_judged_by_its_bytes() -> None:
    assert "byte 2 cannot stand there" in run("--prefix", "a\udcff").output


def test_json_has_its_schema() -> None:
    content = json.loads(run("--prefix", "x", "--explain", " the", "--format", "json").output)
    assert content["schema"] == "pasta.mask/1"
    assert content["can_end"] is True
    assert content["explained"][0]["is_legal"] is True


@pytest.mark.parametrize("target", EXPORTS)
def test_every_export_is_written(target: str) -> None:
    result = run("--export", target, "--stream", "branch")
    assert result.exit_code == 0
    assert "async" in result.output or "[a]" in result.output


def test_the_choices_are_the_exports_of_the_library() -> None:
    assert EXPORTS == OWN_EXPORTS


def test_the_cache_folder_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert CliRunner().invoke(command, ["--prefix", "x"]).exit_code == 0
    assert len(list((tmp_path / "pasta-toolkit" / "masks").iterdir())) == 1
