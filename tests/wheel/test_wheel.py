"""The built wheel, installed alone in a clean environment, does the main job and holds what it should."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA_FILES = [
    "grammar/SPEC.md",
    "grammar/pasta.lark",
    "grammar/terminals.json",
    "pasta_toolkit/tokens/data/smollm2.json.gz",
    "reference_engine/native/step.cpp",
]
PACKAGES = ["grammar", "pasta_toolkit", "reference_engine", "simulator"]
ANNOTATED = (
    'Two parts: <promise topic="one" tokens="10"/><async>first</async>'
    '<promise topic="two" tokens="10"/><async>second</async>.'
)


def run(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = run(
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT, folder=folder
    )
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, with_pip=True)
    installed = run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", wheel, folder=folder)
    assert installed.returncode == 0, installed.stderr
    return folder / "bin" / "pasta"


def test_wheel_holds_the_four_packages_their_data_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    folders = {name.split("/")[0] for name in names}
    assert sorted(folder for folder in folders if not folder.endswith(".dist-info")) == PACKAGES
    assert set(DATA_FILES) <= set(names)
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)


def test_wheel_carries_its_licences(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    assert any(name.endswith("/licenses/NOTICE") for name in names)


def test_light_core_validates_annotates_and_measures(program: Path, tmp_path: Path) -> None:
    (tmp_path / "answer.txt").write_text(ANNOTATED, encoding="utf-8")
    (tmp_path / "plain.txt").write_text("- one\n- two\n", encoding="utf-8")
    assert run(program, "validate", "answer.txt", folder=tmp_path).returncode == 0
    assert run(program, "render", "answer.txt", folder=tmp_path).stdout == "Two parts: firstsecond."
    assert run(program, "annotate", "plain.txt", folder=tmp_path).stdout == "- one\n- two\n"
    assert '"geomean_ideal_speedup"' in run(program, "stats", "answer.txt", "--format", "json", folder=tmp_path).stdout


def test_missing_extra_is_explained_in_a_sentence(program: Path, tmp_path: Path) -> None:
    (tmp_path / "answer.txt").write_text(ANNOTATED, encoding="utf-8")
    drawn = run(program, "dag", "answer.txt", "--output", "answer.png", folder=tmp_path)
    assert drawn.returncode == 2
    assert "pip install 'pasta-toolkit[plot]'" in drawn.stderr
    assert "Traceback" not in drawn.stderr
