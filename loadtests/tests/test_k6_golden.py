"""For each executor, profile, parameter style, data source and credential: a script on record, and k6 takes it."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from loadtests.k6.script import build_script
from loadtests.runners.inspection import inspect
from loadtests.tests.golden_plans import FOLDER, GOLDEN, recorded


@pytest.mark.parametrize("name", GOLDEN)
def test_the_script_is_the_one_on_record(name: str) -> None:
    assert recorded(GOLDEN[name]()) == (FOLDER / f"{name}.json").read_text(encoding="utf-8")


def test_k6_takes_each_of_them_to_run_and_to_try(k6: str, tmp_path: Path) -> None:
    def check(asked: tuple[str, bool]) -> None:
        name, trying = asked
        plan = GOLDEN[name]()
        files = {table.file: json.dumps([["a", "1"]] * table.rows) for table in plan.tables}
        inspect(k6, build_script(plan, trying=trying), files, tmp_path)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(check, [*((name, False) for name in GOLDEN), ("journey", True)]))


def test_no_secret_has_a_place_in_a_script() -> None:
    script = recorded(GOLDEN["credentials"]())
    assert '"secret": "MV_4"' in script
    assert "credential:" not in script
