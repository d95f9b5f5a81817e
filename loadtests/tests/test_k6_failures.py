"""The script tells of the first failing requests: what was sent and answered, without secrets, and not too many."""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.k6.plan import (
    CheckPlan,
    ExtractPlan,
    LoadPlan,
    OptionsPlan,
    RequestPlan,
    ScenarioPlan,
    Secret,
    SecretPlan,
    StagePlan,
    StepPlan,
)
from loadtests.k6.script import SUMMARY_MARK
from loadtests.tests.conftest import run_plan, scenario
from loadtests.tests.scripted import Api, Ran, run

HOSTILE = f'{{"한": "\\u0000 \u2028 METRICVAULT-FAILED {{}}\n{SUMMARY_MARK}{{}}\ntime=", "long": "{"y" * 9000}"}}'
KEY = "ge heim/42"


def step(
    url: Any, method: str = "GET", headers: tuple[tuple[str, Any], ...] = (), body: Any = None, **more: Any
) -> StepPlan:
    return StepPlan("", RequestPlan(method, url, f"{method} /x", headers, body), **more)


def once(**request: Any) -> ScenarioPlan:
    """One user who sends one request."""
    return scenario(executor="per-vu-iterations", stages=(StagePlan(9, 1),), load=LoadPlan(iterations=1), **request)


def slow(_received: object) -> str:
    time.sleep(1.5)  # longer than the requests may take
    return "late"


@pytest.fixture(scope="module")
def ran(k6: str, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    api = Api()
    api.answers |= {"/status/500": HOSTILE, "/slow": slow}
    secret = ("Bearer ", Secret("MV_1", "header"))
    headers = (
        ("Authorization", secret), ("X-Mine", (Secret("MV_1", "header"),)), ("X-Api-Key", "typed by hand"),
        ("Proxy-Authorization", "typed"), ("Cookie", "sid=abcdefgh"), ("X-Seen", "yes"),
    )  # fmt: skip
    body = ('{"pin": "', Secret("MV_1", "json"), '"}')
    times, one_time = LoadPlan(iterations=4), LoadPlan(iterations=1)
    asked = [
        step(f"{api.url}/status/500", "POST", (("X-Seen", "yes"),), "a" * 5000),
        step("http://127.0.0.1:9/"),
        step(f"{api.url}/slow"),
        step(f"{api.url}/ok", checks=(CheckPlan("contains", "", "zzz", ""), CheckPlan("contains", "", "ok", "")),
             extracts=(ExtractPlan("id", "json", "$.id", ("id",)),)),
        step((f"{api.url}/status/401?key=", Secret("MV_1", "url")), "POST", headers, body),
        step(("http://127.0.0.1:9/?key=", Secret("MV_1", "url"))),
        step(f"{api.url}/created", statuses=((201, 201),)),
        step(f"{api.url}/status/404", statuses=((404, 404),)),
        step(f"{api.url}/fine"),
    ]  # fmt: skip
    scenarios = [
        scenario(
            at,
            f"s{at}",
            steps=(one,),
            executor="per-vu-iterations",
            stages=(StagePlan(10, 1),),
            load=one_time if at == 2 else times,
        )
        for at, one in enumerate(asked)
    ]
    together = scenario(
        9, "Together", steps=(asked[0], asked[8], asked[6]), executor="per-vu-iterations", stages=(StagePlan(10, 1),),
        load=replace(times, batch=True),
    )  # fmt: skip
    plan = replace(run_plan(*scenarios, together), options=OptionsPlan(timeout=1.0))
    plan = replace(plan, secrets=(SecretPlan("MV_1", "credential:key"),))
    arguments = ("--include-system-env-vars=true",)
    return run(k6, tmp_path_factory.mktemp("failures"), plan, environment={"MV_1": KEY}, arguments=arguments)


def of(ran: Ran, number: int, place: int = 1) -> list[dict[str, Any]]:
    found = [one for one in ran.failed if one["scenario"].startswith(f"s{number:02}") and one["step"] == place]
    return sorted(found, key=lambda one: one["t"])


def test_a_status_is_told_at_once_and_again_with_its_body(ran: Ran) -> None:
    first, second = of(ran, 1)
    assert (first["kind"], first["response"]["status"], first["response"]["body"]) == ("500", 500, None)
    assert second["response"]["body"] == HOSTILE.encode("utf-16", "surrogatepass").decode("utf-16")[:4096]
    assert second["request"]["method"] == "POST"
    assert second["request"]["body"] == "a" * 2048
    assert ["X-Seen", "yes"] in second["request"]["headers"]
    assert second["response"]["status_text"] == "500 Internal Server Error"
    assert second["response"]["duration"] > 0
    assert first["t"] <= second["t"]


@pytest.mark.parametrize(
    ("number", "kind", "error"), [(2, "0:1212", "refused"), (3, "0:1050", "timeout"), (6, "0:1212", "")]
)
def test_what_was_not_answered_says_why(ran: Ran, number: int, kind: str, error: str) -> None:
    (only,) = of(ran, number)
    assert (only["kind"], only["response"]) == (kind, None)
    assert error in only["error"]


def test_a_check_is_told_by_its_key_with_the_body_at_which_it_looked(ran: Ran) -> None:
    (only,) = of(ran, 4)
    assert (only["kind"], only["checks"]) == ("check", ["c1", "x1"])
    assert json.loads(only["response"]["body"]) == {"ok": True}


def test_a_status_that_is_not_among_those_that_are_asked_for_is_told(ran: Ran) -> None:
    answered = [one for one in of(ran, 7) if not one["kind"].startswith("0:")]  # a busy machine may be too late for one
    assert [one["kind"] for one in answered] == ["200", "200"]
    assert [one for one in (*of(ran, 8), *of(ran, 9)) if not one["kind"].startswith("0:")] == []


def test_of_a_batch_each_step_is_told(ran: Ran) -> None:
    assert [one["kind"] for one in of(ran, 10, 1)] == ["500", "500"]
    assert [one["kind"] for one in of(ran, 10, 3)] == ["200", "200"]
    assert of(ran, 10, 2) == []


def test_no_secret_is_told_and_no_header_that_says_who_asks(ran: Ran) -> None:
    text = json.dumps(ran.failed, ensure_ascii=False)
    for form in (KEY, "ge%20heim%2F42", "ge heim\\/42", "typed", "abcdefgh", "s-1"):
        assert form not in text
    last = of(ran, 5)[-1]
    sent = dict(last["request"]["headers"])
    assert sent["Authorization"] == "Bearer ••••••"
    assert {sent[name] for name in ("X-Mine", "X-Api-Key", "Cookie", "Proxy-Authorization")} == {"••••••"}
    assert sent["X-Seen"] == "yes"
    assert dict(last["response"]["headers"])["Set-Cookie"] == "••••••"
    assert last["request"]["url"].endswith("?key=••••••")
    assert last["request"]["body"] == '{"pin": "••••••"}'


def test_the_numbers_are_what_they_would_be(ran: Ran) -> None:
    assert ran.metrics["http_reqs{scenario_tag:s01_s0}"]["values"]["count"] == 4
    assert ran.metrics["http_req_failed{scenario_tag:s01_s0}"]["values"]["passes"] == 4
    assert "METRICVAULT" not in ran.log


def test_where_all_fails_for_hundreds_of_users_some_tell(k6: str, tmp_path: Path) -> None:
    twice, users = LoadPlan(iterations=2), (StagePlan(50, 300),)
    plan = run_plan(scenario(url="http://127.0.0.1:9/", executor="per-vu-iterations", stages=users, load=twice))
    ran = run(k6, tmp_path, plan)
    assert ran.count("http_reqs") == 600
    assert 140 < len(ran.failed) < 270  # 200 are expected, give or take 8


def test_a_secret_at_the_end_of_what_is_shown_does_not_stand_there_by_half(k6: str, tmp_path: Path) -> None:
    body = ("a" * 2040, Secret("MV_1", "raw"), "b" * 9000, Secret("MV_1", "raw"))
    plan = run_plan(once(method="POST", url="http://127.0.0.1:9/", body=body))
    plan = replace(plan, secrets=(SecretPlan("MV_1", "credential:key"),))
    ran = run(
        k6, tmp_path, plan, environment={"MV_1": "0123456789abcdef"}, arguments=("--include-system-env-vars=true",)
    )
    assert ran.failed[0]["request"]["body"] == "a" * 2040 + "••••••bb"


def test_a_script_for_people_tells_nothing(k6: str, tmp_path: Path) -> None:
    plan = run_plan(once(url="http://127.0.0.1:9/"))
    assert run(k6, tmp_path / "run", plan).failed
    assert not run(k6, tmp_path / "by hand", replace(plan, run="")).failed
