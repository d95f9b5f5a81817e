"""What the script does with the steps of a plan: with the real k6 against an API that remembers what it received."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.k6.plan import (
    CheckPlan,
    Encoding,
    ExtractPlan,
    LoadPlan,
    OptionsPlan,
    Part,
    RequestPlan,
    ScenarioPlan,
    Secret,
    StagePlan,
    StepPlan,
    TablePlan,
    Take,
    TargetsPlan,
)
from loadtests.k6.templates import parse
from loadtests.tests.any_plan import HOSTILE
from loadtests.tests.conftest import run_plan, scenario
from loadtests.tests.scripted import Api, run

NAMES = ("token", "id", "any", "nested", "cookie", "head", "re", "missing", "digits")
KNOWN: dict[str, Part] = {
    **{name: Take(name) for name in (*NAMES, "users.name", "users.n")},
    "key": Secret("MV_1"),
}
LOGIN = {
    "token": 'abc "x"\n', "id": 12345678901234567890, "list": [{"n": 1}, {"n": 2}], "digits": "007",
    "nested": {"a": [99999999999999999]}, "zero": 0, "none": None,
}  # fmt: skip
TAKEN = (
    ExtractPlan("token", "json", "$.token", ("token",)),
    ExtractPlan("id", "json", "$.id", ("id",)),
    ExtractPlan("any", "json", "$.list[*].n", ("list", "*", "n")),
    ExtractPlan("nested", "json", "$.nested", ("nested",)),
    ExtractPlan("digits", "json", "$.digits", ("digits",)),
    ExtractPlan("cookie", "cookie", "sid"),
    ExtractPlan("head", "header", "x-request-id"),
    ExtractPlan("re", "regex", r'"zero": (\d)'),
)
HELD = (
    CheckPlan("json", "$.zero", "0", "", ("zero",)),
    CheckPlan("json", "$.nested", '{"a":[99999999999999999]}', "", ("nested",)),
    CheckPlan("json", "$.list[*].n", "2", "", ("list", "*", "n")),
    CheckPlan("json", "$.list[-1].n", "2", "", ("list", -1, "n")),
    CheckPlan("json", "$.none", "null", "", ("none",)),
    CheckPlan("header", "CONTENT-type", "json", ""),
    CheckPlan("header", "x-request-id", "", ""),
    CheckPlan("contains", "", '"zero"', ""),
    CheckPlan("size", "", "1000", ""),
    CheckPlan("time", "", "5000", ""),
)
MISSED = (
    CheckPlan("json", "$.ok", "false", "", ("ok",)),
    CheckPlan("json", "$.no.way", "", "", ("no", "way")),
    CheckPlan("header", "X-None", "", ""),
    CheckPlan("contains", "", "nope", ""),
    CheckPlan("size", "", "3", ""),
    CheckPlan("time", "", "0", ""),
)
LOST = (
    ExtractPlan("missing", "json", "$.no", ("no",)),
    ExtractPlan("a", "json", "$[0]", (0,)),
    ExtractPlan("b", "header", "X-None"),
    ExtractPlan("c", "cookie", "none"),
    ExtractPlan("d", "regex", "(["),
    ExtractPlan("e", "regex", "x+y"),
)


@pytest.fixture
def api() -> Iterator[Api]:
    server = Api()
    yield server
    server.shutdown()
    server.server_close()


def step(
    api: Api, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None, **more: Any
) -> StepPlan:
    how: Encoding = more.pop("how", "json")
    request = RequestPlan(
        method,
        parse(api.url + path, KNOWN, "url"),
        f"{method} {path.partition('?')[0]}",
        tuple((name, parse(value, KNOWN, "header")) for name, value in (headers or {}).items()),
        None if body is None else parse(body, KNOWN, how),
    )
    return StepPlan("", request, **more)


def once_each(*steps: StepPlan, users: int = 1, iterations: int = 1, position: int = 0, **load: Any) -> ScenarioPlan:
    """Users that do the steps so many times."""
    more = LoadPlan(iterations=iterations, **load)
    stages = (StagePlan(20, users),)
    return scenario(position, "One", executor="per-vu-iterations", stages=stages, steps=steps, load=more)


def test_values_taken_from_an_answer_arrive_as_they_were(k6: str, tmp_path: Path, api: Api) -> None:
    api.answers["/login"] = json.dumps(LOGIN)
    body = (
        '{"token": "{{token}}", "id": {{id}}, "text id": "{{id}}", "any": {{any}}, "nested": {{nested}}, "re": {{re}},'
        ' "digits": {{digits}}, "cookie": "{{cookie}}", "head": {{head}}, "again": {{token}}}'
    )
    plan = run_plan(
        once_each(
            step(api, "POST", "/login", "{}", extracts=TAKEN, checks=HELD),
            step(api, "PUT", "/use/{{id}}?t={{token}}", body, {"X-Token": "a {{token}}"}),
            step(api, "POST", "/form", "t={{token}}&h={{head}}", how="form"),
            step(api, "POST", "/xml", "<t>{{token}}</t>", how="xml"),
        )
    )
    ran = run(k6, tmp_path, plan)
    _login, use, form, xml = api.received
    assert use.path == "/use/12345678901234567890?t=abc%20%22x%22%0A"
    assert use.headers["X-Token"] == 'a abc "x"'  # and no line break
    assert '"id": 12345678901234567890' in use.body
    sent = json.loads(use.body)
    assert sent["token"] == sent["again"] == LOGIN["token"]
    assert (sent["id"], sent["text id"]) == (LOGIN["id"], str(LOGIN["id"]))
    assert (sent["nested"], sent["re"], sent["digits"]) == (LOGIN["nested"], 0, "007")
    assert sent["any"] in (1, 2)
    assert (sent["cookie"], sent["head"]) == ("s-1", "r-1")
    assert form.body == "t=abc+%22x%22%0A&h=r-1"
    assert xml.body == "<t>abc &quot;x&quot;\n</t>"
    assert ran.count("mv_checks", ok="true") == len(TAKEN) + len(HELD)
    assert ran.count("mv_checks", ok="false") == ran.count("mv_failed") == 0
    assert ran.log == ""


def test_what_fails_is_reported_on_its_step_and_the_journey_goes_on(k6: str, tmp_path: Path, api: Api) -> None:
    plan = run_plan(
        once_each(
            step(api, "GET", "/first", checks=MISSED, extracts=LOST),
            step(api, "POST", "/use/{{missing}}", '{"a": {{missing}}, "b": "{{missing}}"}'),
            step(api, "GET", "/status/404", checks=MISSED[3:4]),
            step(api, "GET", "/status/500", statuses=((500, 500),)),
        )
    )
    ran = run(k6, tmp_path, replace(plan, targets=TargetsPlan(error_rate=60.0)))
    assert [one.path for one in api.received] == ["/first", "/use/", "/status/404", "/status/500"]
    assert json.loads(api.received[1].body) == {"a": "", "b": ""}
    for at in range(len(MISSED)):
        assert ran.count("mv_checks", step="1", check=f"c{at + 1}", ok="false", scenario_tag="s01_one") == 1
    for at in range(len(LOST)):
        assert ran.count("mv_checks", step="1", check=f"x{at + 1}", ok="false") == 1
    # The 404 is k6's own failure, the first request is one of ours; the expected 500 is none.
    assert ran.tags("mv_failed", "step") == {"1": 1}
    assert ran.points["mv_failed"][0]["tags"]["name"] == "GET /first"
    assert ran.metrics["http_req_failed{scenario_tag:s01_one}"]["values"]["passes"] == 1
    assert [one["value"] for one in ran.points["mv_errors"]] == [1, 0, 1, 0]
    assert ran.tags("http_reqs", "step") == {"1": 1, "2": 1, "3": 1, "4": 1}
    assert (ran.exit_code, ran.log) == (0, "")


def test_a_check_may_expect_what_an_earlier_step_took(k6: str, tmp_path: Path, api: Api) -> None:
    api.answers["/login"] = json.dumps(LOGIN)
    api.answers["/use"] = {"a": 1, "b": LOGIN["id"], "c": [LOGIN["token"]]}
    checks = (
        CheckPlan("json", "$.b", parse("{{id}}", KNOWN), "", ("b",)),
        CheckPlan("json", "$.c", parse('["{{token}}"]', KNOWN, "json"), "", ("c",)),
        CheckPlan("contains", "", parse('"b": {{id}}', KNOWN), ""),
        CheckPlan("contains", "", parse("{{id}}0", KNOWN), ""),
    )
    steps = (step(api, "GET", "/login", extracts=TAKEN[:2]), step(api, "GET", "/use", checks=checks))
    ran = run(k6, tmp_path, run_plan(once_each(*steps)))
    assert [ran.count("mv_checks", step="2", check=f"c{at}", ok="true") for at in (1, 2, 3, 4)] == [1, 1, 1, 0]


def test_a_redirect_on_the_way_to_an_expected_status_is_no_failure(k6: str, tmp_path: Path, api: Api) -> None:
    wanted: dict[str, Any] = {"statuses": ((200, 200),), "checks": HELD[-1:]}
    steps = (
        step(api, "GET", "/status/302?to=/there", **wanted),
        step(api, "GET", "/status/302", **wanted),  # leads nowhere: the answer is not the expected one
        step(api, "GET", "/status/404", **wanted),
    )
    ran = run(k6, tmp_path, run_plan(once_each(*steps)))
    assert [one.path for one in api.received] == ["/status/302?to=/there", "/there", "/status/302", "/status/404"]
    assert ran.tags("mv_failed", "step") == {"2": 1}
    assert ran.metrics["http_req_failed{scenario_tag:s01_one}"]["values"]["passes"] == 1
    ran = run(k6, tmp_path, replace(run_plan(once_each(*steps)), options=OptionsPlan(max_redirects=0)))
    assert ran.metrics["http_req_failed{scenario_tag:s01_one}"]["values"]["passes"] == 3
    assert "mv_failed" not in ran.points


def test_a_step_of_the_first_iteration_keeps_what_it_takes_for_its_user(k6: str, tmp_path: Path, api: Api) -> None:
    api.answers["/login"] = lambda received: {"id": received.connection}
    login = step(api, "POST", "/login", "{}", once=True, extracts=(ExtractPlan("id", "json", "$.id", ("id",)),))
    plan = run_plan(once_each(login, step(api, "GET", "/use/{{id}}"), users=3, iterations=4))
    run(k6, tmp_path, plan)
    assert len(api.of("/login")) == 3
    used = [one.path for one in api.of("/use")]
    assert len(used) == 12
    assert len(set(used)) == 3
    assert "/use/" not in used


def test_steps_can_be_sent_together(k6: str, tmp_path: Path, api: Api) -> None:
    steps = [step(api, "POST", f"/{at}", "{}", checks=HELD[-2:]) for at in range(6)]
    plan = replace(run_plan(once_each(*steps, batch=True)), options=OptionsPlan(batch=6))
    ran = run(k6, tmp_path, plan)
    assert sorted(one.path for one in api.received) == [f"/{at}" for at in range(6)]
    assert len({one.connection for one in api.received}) > 1
    assert ran.tags("mv_checks", "step") == {str(at + 1): 2 for at in range(6)}


def test_each_row_of_a_unique_table_is_used_once_and_then_nothing_is_sent(k6: str, tmp_path: Path, api: Api) -> None:
    users = TablePlan("users", ("name", "n"), "unique", 5, "users.json")
    one = step(api, "GET", "/use?name={{users.name}}&n={{users.n}}")
    plan = run_plan(once_each(one, users=2, iterations=2), once_each(one, users=1, iterations=2, position=1))
    rows = [[f"이름{at}", str(at)] for at in range(5)]
    ran = run(k6, tmp_path, replace(plan, tables=(users,)), rows={"users.json": rows})
    used = [one.path for one in api.received]
    assert len(used) == len(set(used)) == 5
    assert ran.count("mv_no_row") == 1
    assert ran.count("http_reqs") == 5


def test_rows_go_round_belong_to_users_or_come_at_random(k6: str, tmp_path: Path, api: Api) -> None:
    def table(mode: str) -> TablePlan:
        return TablePlan(mode, ("a",), mode, 2, f"{mode}.json")

    request = RequestPlan("GET", (
        f"{api.url}/", Take("sequential.a", "url"), "/", Take("user.a", "url"), "/", Take("random.a", "url"),
    ), "GET /", (), None)  # fmt: skip
    tables = tuple(table(mode) for mode in ("sequential", "user", "random"))
    plan = replace(run_plan(once_each(StepPlan("", request), users=2, iterations=10)), tables=tables)
    run(k6, tmp_path, plan, rows={one.file: [["x"], ["y"]] for one in tables})
    parts = [one.path.split("/")[1:] for one in api.received]
    assert sorted(first for first, _second, _third in parts) == ["x"] * 10 + ["y"] * 10
    assert sorted(second for _first, second, _third in parts) == ["x"] * 10 + ["y"] * 10
    by_user = {(one.connection, second) for one, (_first, second, _third) in zip(api.received, parts, strict=True)}
    assert len(by_user) == 2
    assert {third for _first, _second, third in parts} == {"x", "y"}


def test_made_values_are_new_each_time(k6: str, tmp_path: Path, api: Api) -> None:
    body = (
        '{"uuid": "{{$uuid}}", "int": {{$int(3,5)}}, "float": {{$float(0,1,3)}}, "time": {{$timestamp}}, '
        '"date": "{{$isodate}}", "email": "{{$email}}", "choice": {{$choice(1,"b, c")}}}'
    )
    run(k6, tmp_path, run_plan(once_each(step(api, "POST", "/", body), iterations=20)))
    sent = [json.loads(one.body) for one in api.received]
    assert len({one["uuid"] for one in sent}) == len({one["email"] for one in sent}) == 20
    assert {one["int"] for one in sent} <= {3, 4, 5}
    assert all(0 <= one["float"] <= 1 for one in sent)
    assert all(one["time"] > 1_600_000_000_000 and one["date"].endswith("Z") for one in sent)
    assert {one["choice"] for one in sent} <= {1, "b, c"}


def test_hostile_text_is_data_while_k6_runs_too(k6: str, tmp_path: Path, api: Api) -> None:
    """As values of a table and of an answer, as names of variables, in a body and in an address."""
    api.answers["/login"] = {f"k{at}": text for at, text in enumerate(HOSTILE)}
    extracts = tuple(ExtractPlan(text, "json", "", (f"k{at}",)) for at, text in enumerate(HOSTILE))
    request = RequestPlan("POST", f"{api.url}/use", "POST /use", (), (
        "[", *(part for text in HOSTILE for part in (Take(text, "value"), ",")), Take("rows.a", "value"), "]",
    ))  # fmt: skip
    steps = (step(api, "GET", "/login", extracts=extracts), StepPlan("", request))
    plan = replace(run_plan(once_each(*steps)), tables=(TablePlan("rows", ("a",), "user", 1, "rows.json"),))
    ran = run(k6, tmp_path, plan, rows={"rows.json": [["".join(HOSTILE)]]})
    *texts, row = json.loads(api.of("/use")[0].body)
    sent = [text.replace("\ud83d", "\ufffd") for text in HOSTILE]  # half a pair is no text that UTF-8 knows
    assert [*texts, row] == [*sent, "".join(sent)]
    assert ran.log == ""


@pytest.mark.parametrize("batch", [False, True])
def test_a_secret_in_an_address_stays_out_of_the_log(k6: str, tmp_path: Path, batch: bool) -> None:
    urls = [("http://127.0.0.1:9/?key=", Secret("MV_1", "url")), "http://127.0.0.1:9/"]
    steps = [StepPlan("", RequestPlan("GET", url, "GET /", (), None)) for url in urls]
    ran = run(k6, tmp_path, run_plan(once_each(*steps, batch=batch)), environment={"MV_1": "ge heim"})
    assert ran.log.count("refused") == 2
    assert "heim" not in ran.log
    assert ran.metrics["http_req_failed{scenario_tag:s01_one}"]["values"]["passes"] == 2


def test_a_secret_that_is_not_there_is_said_once_for_each_user(k6: str, tmp_path: Path, api: Api) -> None:
    plan = run_plan(once_each(step(api, "GET", "/", headers={"X-Key": "{{key}}"}), users=2, iterations=3))
    ran = run(k6, tmp_path, plan)
    assert ran.log.count("MV_1 is not in k6's environment") == 2
    assert [one.headers["X-Key"] for one in api.received] == [""] * 6


@pytest.mark.parametrize(
    ("cookies", "kept"),
    [("iteration", [None, "s-1", None, "s-1"]), ("user", [None, "s-1", "s-1", "s-1"]), ("none", [None] * 4)],
)
def test_cookies_last_as_long_as_asked(k6: str, tmp_path: Path, api: Api, cookies: str, kept: list[str | None]) -> None:
    plan = run_plan(once_each(step(api, "GET", "/"), step(api, "GET", "/"), iterations=2))
    run(k6, tmp_path, replace(plan, options=OptionsPlan(cookies=cookies)))
    sent = [one.headers.get("Cookie") for one in api.received]
    assert sent == [None if one is None else f"sid={one}" for one in kept]


@pytest.mark.parametrize(("reuse", "connections"), [("keep", 1), ("iteration", 2), ("request", 4)])
def test_connections_are_used_again_as_asked(k6: str, tmp_path: Path, api: Api, reuse: str, connections: int) -> None:
    plan = run_plan(once_each(step(api, "GET", "/"), step(api, "GET", "/"), iterations=2))
    run(k6, tmp_path, replace(plan, options=OptionsPlan(reuse=reuse)))
    assert len({one.connection for one in api.received}) == connections


def test_a_plan_is_tried_once_and_each_step_tells_what_it_sent_and_got(k6: str, tmp_path: Path, api: Api) -> None:
    api.answers["/login"] = json.dumps(LOGIN)
    users = TablePlan("users", ("name", "n"), "unique", 1, "users.json")
    ramp = scenario(
        0, "Ramp", executor="ramping-vus", stages=(StagePlan(60, 50),), error_rate_target=0.0, think_time=0.1,
        steps=(step(api, "POST", "/login?u={{users.name}}", "{}", extracts=TAKEN[:2], checks=HELD[:1]),
               step(api, "GET", "/use/{{id}}", checks=MISSED[:1], extracts=LOST[:1]),
               step(api, "GET", "/status/503")),
    )  # fmt: skip
    refused = scenario(1, "Refused", executor="constant-arrival-rate", load=LoadPlan(start_time=60.0))
    no_row = replace(ramp, tag="s03")
    plan = replace(run_plan(ramp, refused, no_row), tables=(users,), generators=3)
    ran = run(k6, tmp_path, plan, rows={"users.json": [["kim", "1"]]}, trying=True)
    by_place = {(one["scenario"], one["step"]): one for one in ran.steps}
    assert sorted(by_place) == [("s01_ramp", 1), ("s01_ramp", 2), ("s01_ramp", 3), ("s02_refused", 1), ("s03", 1)]
    first, second = by_place["s01_ramp", 1], by_place["s01_ramp", 2]
    assert first["request"]["url"] == f"{api.url}/login?u=kim"
    assert (first["request"]["method"], first["request"]["body"]) == ("POST", "{}")
    assert json.loads(first["response"]["body"]) == LOGIN
    assert first["response"]["size"] == len(json.dumps(LOGIN))
    assert first["response"]["timings"]["duration"] > 0
    assert first["response"]["cookies"] == {"sid": "s-1"}
    assert first["checks"] == [{"key": "c1", "ok": True, "found": "0"}]
    assert [one["value"] for one in first["extracts"]] == [LOGIN["token"], str(LOGIN["id"])]
    assert second["checks"] == [{"key": "c1", "ok": False, "found": "true"}]
    assert second["extracts"] == [{"key": "x1", "name": "missing", "value": None}]
    assert second["expected"] is True
    assert by_place["s01_ramp", 3]["expected"] is False
    assert by_place["s02_refused", 1]["response"] is None
    assert "refused" in by_place["s02_refused", 1]["error"]
    assert by_place["s03", 1] == {"scenario": "s03", "step": 1, "error": "no_row"}
    assert ran.exit_code == 0
