"""What failed once is tried once more, where that is asked for."""

import os
from pathlib import Path

import pytest

from tests.again import pytest_code

pytestmark = pytest.mark.thorough
ONCE = """
from pathlib import Path

def test_fails_the_first_time():
    seen = Path(__file__).with_suffix(".seen")
    if not seen.exists():
        seen.touch()
        raise AssertionError

def test_passes():
    with Path(__file__).with_suffix(".passes").open("a") as passes:
        passes.write("x")
"""
ALWAYS = "def test_fails(): raise AssertionError"


def code_of(folder: Path, text: str) -> int:
    file = folder / "test_one.py"
    file.write_text(text)
    bare = ["-c", os.devnull, f"--rootdir={folder}", "-q", str(file)]
    return pytest_code(bare, str(folder / "memory"), {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})


def test_a_second_try_is_for_what_failed_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("METRICVAULT_AGAIN", "1")
    assert code_of(tmp_path, ONCE) == 0
    assert (tmp_path / "test_one.passes").read_text() == "x"
    assert "test_fails_the_first_time" in capfd.readouterr().out.partition("FAILED ONCE")[2]


def test_what_fails_twice_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICVAULT_AGAIN", "1")
    assert code_of(tmp_path, ALWAYS) == 1


def test_nobody_asks_for_a_second_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("METRICVAULT_AGAIN", raising=False)
    assert code_of(tmp_path, ONCE) == 1
