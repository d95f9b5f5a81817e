"""k6 is asked whether it takes a script before any load is made, and its answer is a sentence."""

from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.k6.plan import StagePlan, TablePlan, Take
from loadtests.k6.script import build_script
from loadtests.runners import RunnerError
from loadtests.runners.inspection import ScriptRefused, inspect
from loadtests.tests.conftest import run_plan, scenario

TABLE = TablePlan("users", ("name",), "sequential", 1, "users.json")
PLAN = replace(run_plan(scenario(url=("http://127.0.0.1:9/", Take("users.name", "url")))), tables=(TABLE,))


def test_it_takes_a_script_with_its_data_and_leaves_nothing_behind(k6: str, tmp_path: Path) -> None:
    inspect(k6, build_script(replace(PLAN, generators=2)), {"users.json": '[["kim"]]'}, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("a b c", "Line 1:3 Unexpected identifier"),
        ('throw new Error("an \\"error\\" 한")', 'an "error" 한'),
        (build_script(run_plan(scenario(executor="ramping-vus", stages=(StagePlan(5, 0),)))), "must be greater than 0"),
        (build_script(PLAN), "users.json"),
    ],
    ids=["syntax", "exception", "options", "data"],
)
def test_what_it_does_not_take_it_refuses_in_its_own_words(k6: str, tmp_path: Path, script: str, words: str) -> None:
    with pytest.raises(ScriptRefused, match="k6 does not take the script: ") as refusal:
        inspect(k6, script, {}, tmp_path)
    assert words in str(refusal.value)
    assert str(tmp_path) not in str(refusal.value)
    assert refusal.value.permanent


def test_without_k6_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunnerError, match="could not be started") as refusal:
        inspect(str(tmp_path / "none"), "", {}, tmp_path)
    assert not refusal.value.permanent
