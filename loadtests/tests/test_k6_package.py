"""A plan as a zip that runs with plain k6."""

import io
import json
import os
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

from loadtests.k6.package import build_package
from loadtests.k6.plan import OptionsPlan, Secret, SecretPlan, TablePlan, Take, TokenPlan
from loadtests.tests.conftest import Target, run_plan, scenario

TABLE = TablePlan("users", ("name", "city"), "sequential", 2, "users.json")
ROWS = [["kim", "서울"], ["lee", "부산"]]
DATA = {"users.json": json.dumps(ROWS)}
PLAN = replace(
    run_plan(
        scenario(
            url=("http://127.0.0.1:9/", Take("users.city", "url")), headers=(("X-Key", (Secret("MV_KEY", "header"),)),)
        )
    ),
    tables=(TABLE,),
    secrets=(SecretPlan("MV_KEY", "credential:apiKey"),),
    generators=3,
)


def unpacked(package: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_it_has_the_script_its_data_and_what_to_know() -> None:
    files = unpacked(build_package(PLAN, DATA))
    assert list(files) == ["script.js", "data/users.json", "README.txt"]
    assert json.loads(files["data/users.json"]) == ROWS
    assert '"generators"' not in files["script.js"]
    for wanted in ('-e MV_KEY="$MV_KEY"', "credential:apiKey", "name, city", "3 load generators", "GET /things/{id}"):
        assert wanted in files["README.txt"]


def test_the_same_plan_gives_the_same_bytes() -> None:
    assert build_package(PLAN, DATA) == build_package(replace(PLAN), dict(DATA))


def test_a_simple_plan_needs_nothing_else() -> None:
    files = unpacked(build_package(run_plan(), {}))
    assert list(files) == ["script.js", "README.txt"]
    assert "    k6 run script.js\n" in files["README.txt"]
    assert "MV_" not in files["README.txt"]


def test_what_a_person_wrote_breaks_no_line() -> None:
    token = TokenPlan("t\x00", "password", "http://x/\n$(reboot)", "", "")
    plan = replace(run_plan(), title="One\n    k6 run evil.js\u2028", tokens=(token,), options=OptionsPlan(http2=False))
    lines = unpacked(build_package(plan, {}))["README.txt"].splitlines()
    assert lines[0] == "One k6 run evil.js"
    assert "    t: password at http://x/ $(reboot)" in lines
    assert any("http2client=0" in line for line in lines)


def test_it_runs_with_plain_k6(k6: str, tmp_path: Path, target: Target) -> None:
    one = replace(
        PLAN.scenarios[0],
        steps=(
            replace(
                PLAN.scenarios[0].steps[0],
                request=replace(PLAN.scenarios[0].steps[0].request, url=(f"{target.url}/", Take("users.city", "url"))),
            ),
        ),
        think_time=0.2,
    )
    with zipfile.ZipFile(io.BytesIO(build_package(replace(PLAN, scenarios=(one,)), DATA))) as archive:
        archive.extractall(tmp_path)
    answer = subprocess.run(
        [k6, "run", "--quiet", "--no-usage-report", "--address", "", "-e", "MV_KEY=geheim", "script.js"],
        cwd=tmp_path, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)}, capture_output=True, text=True,
        check=False, timeout=30,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert target.last[1] in ("/%EC%84%9C%EC%9A%B8", "/%EB%B6%80%EC%82%B0")
    assert target.last[2]["X-Key"] == "geheim"
    assert f": {target.count} " in next(line for line in answer.stdout.splitlines() if "http_reqs.." in line)
