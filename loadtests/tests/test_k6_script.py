"""The script of a plan: constant JavaScript and data."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.k6.executors import k6_duration
from loadtests.k6.exit_codes import EXIT_CODES
from loadtests.k6.plan import RunPlan, StagePlan
from loadtests.k6.script import build_script
from loadtests.tests.any_plan import HOSTILE
from loadtests.tests.conftest import Target, run_plan, scenario

GOLDEN = Path(__file__).parent / "golden" / "three_scenarios.js"
EVENING = run_plan(
    scenario(0, "Browse", url="http://127.0.0.1:8001/things?q=%ED%95%9C", think_time=1.5, response_time_target=500.0),
    scenario(
        1,
        "느린 구매",
        stages=(StagePlan(60, 5), StagePlan(1.5, 50)),
        method="POST",
        body='{"name": "한국어"}',
        headers=(("Content-Type", "application/json"),),
        error_rate_target=0.001,
    ),
    scenario(2, "Ramp", executor="ramping-vus", stages=(StagePlan(120, 50), StagePlan(600, 50), StagePlan(30, 0))),
)


def parts(script: str) -> tuple[str, dict[str, Any]]:
    """The constant part and the data of a script."""
    before, _mark, rest = script.partition("const PLAN = ")
    data, _mark, after = rest.partition(";\n\n")
    return before + after, json.loads(data)


def hostile_plan(text: str) -> RunPlan:
    plan = run_plan(scenario(0, text, method="POST", body=text, headers=(("X-Text", text), ("__proto__", "p"))))
    return replace(plan, title=text)


def inspect(k6: str, path: Path, script: str) -> dict[str, Any]:
    path.write_text(script, encoding="utf-8")
    answer = subprocess.run([k6, "inspect", str(path)], capture_output=True, text=True, check=False, timeout=30)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_the_script_is_the_one_on_record() -> None:
    assert build_script(EVENING) == GOLDEN.read_text(encoding="utf-8")


def test_the_same_plan_gives_the_same_bytes() -> None:
    assert build_script(EVENING).encode() == build_script(replace(EVENING)).encode()


def test_k6_reads_the_options_as_meant(k6: str, tmp_path: Path) -> None:
    options = inspect(k6, tmp_path / "script.js", build_script(EVENING))
    scenarios = options["scenarios"]
    assert scenarios["s01_browse"]["executor"] == "constant-vus"
    assert scenarios["s02"]["startVUs"] == 5
    assert [(stage["duration"], stage["target"]) for stage in scenarios["s02"]["stages"]] == [
        ("1m0s", 5),
        ("0s", 50),
        ("1.5s", 50),
    ]
    assert scenarios["s03_ramp"]["startVUs"] == 0
    assert options["discardResponseBodies"] is True
    assert "url" not in options["systemTags"]
    assert len(options["thresholds"]) == 12


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
def test_hostile_text_changes_data_only(text: str) -> None:
    script = build_script(hostile_plan(text))
    constant, data = parts(script)
    assert constant == parts(build_script(EVENING))[0]
    assert data["title"] == data["journeys"][0]["title"] == data["journeys"][0]["steps"][0]["body"] == text
    assert data["journeys"][0]["steps"][0]["headers"][0] == ["X-Text", text]
    in_strings = script.replace(constant, "")
    for misleading in ("</", "<!--", "\u2028", "\u2029", "\u202e", "\x00", "\x7f", "\ufeff"):
        assert misleading not in in_strings


def test_k6_takes_all_hostile_text_at_once(k6: str, tmp_path: Path) -> None:
    texts = [*HOSTILE, "half \ud83d a pair"]
    plan = run_plan(*(scenario(at, text, body=text, headers=((text, text),)) for at, text in enumerate(texts)))
    assert len(inspect(k6, tmp_path / "script.js", build_script(plan))["scenarios"]) == len(texts)


def test_text_arrives_as_it_was_written(k6: str, tmp_path: Path, target: Target) -> None:
    text = "".join(HOSTILE)
    headers = (("X-Text", "한국어"), ("Content-Type", "text/plain"), ("Cookie", "a=1; b=2"))
    wanted = scenario(0, text, method="PATCH", url=f"{target.url}/%ED%95%9C?q=1%202", body=text, headers=headers)
    path = tmp_path / "script.js"
    path.write_text(build_script(run_plan(wanted)), encoding="utf-8")
    command = [k6, "run", "--quiet", "--no-usage-report", "--address", "", str(path)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert answer.returncode == 0, answer.stderr
    method, url, received, body = target.last
    assert (method, url) == ("PATCH", "/%ED%95%9C?q=1%202")
    assert body.decode() == text.replace("\ud83d a", "\ufffd a")  # half a pair is no text that UTF-8 knows
    assert received["X-Text"].encode("latin-1").decode() == "한국어"
    assert received["Cookie"] == "a=1; b=2"
    lines = answer.stdout.splitlines()
    assert len(lines) == 1
    metrics = json.loads(lines[0].removeprefix("METRICVAULT-SUMMARY "))["metrics"]
    tag = wanted.tag
    assert metrics[f"http_reqs{{scenario_tag:{tag}}}"]["values"]["count"] == target.count
    assert {"p(99)", "count"} <= set(metrics[f"http_req_duration{{scenario_tag:{tag}}}"]["values"])
    assert metrics["mv_started"]["values"]["min"] > 1_600_000_000_000


@pytest.mark.parametrize(
    ("seconds", "text"), [(30, "30s"), (0.5, "500ms"), (1.5, "1500ms"), (14_400, "14400s"), (1_000_000, "1000000s")]
)
def test_durations_are_written_without_an_exponent(seconds: float, text: str) -> None:
    assert k6_duration(seconds) == text


def test_small_targets_are_written_without_an_exponent() -> None:
    assert '"rate<=0.00001"' in build_script(EVENING)


def test_less_than_a_second_of_constant_users_is_taken(k6: str, tmp_path: Path) -> None:
    plan = run_plan(scenario(stages=(StagePlan(0.5, 3),)))
    options = inspect(k6, tmp_path / "script.js", build_script(plan))
    assert options["scenarios"]["s01_browse"]["startVUs"] == 3


@pytest.mark.parametrize(("code", "finished"), [(0, True), (99, True), (105, False), (107, False), (None, False)])
def test_exit_codes_tell_whether_a_run_came_to_its_end(code: int | None, finished: bool) -> None:
    assert EXIT_CODES[code].finished is finished


def test_every_reason_of_an_exit_code_has_a_sentence() -> None:
    from history.reasons import SENTENCES

    assert {ending.reason for ending in EXIT_CODES.values() if not ending.finished} <= set(SENTENCES)
