"""Plans whose scripts are on record (loadtests/tests/golden), a few for all that a plan can say.

`python manage.py shell -c "from loadtests.tests.golden_plans import record; record()"` writes the records anew.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from loadtests.k6.plan import (
    CheckPlan,
    Encoding,
    ExtractPlan,
    LoadPlan,
    Make,
    OptionsPlan,
    Part,
    RequestPlan,
    RunPlan,
    ScenarioPlan,
    Secret,
    SecretPlan,
    StagePlan,
    StepPlan,
    TablePlan,
    Take,
    TargetsPlan,
    Text,
    Token,
    TokenPlan,
)
from loadtests.k6.script import build_script
from loadtests.k6.templates import parse
from loadtests.payload import StepIn
from loadtests.profiles import PROFILES, Profile, shape
from loadtests.requesting import Place, build_request
from loadtests.surroundings import Surroundings
from loadtests.tests.conftest import run_plan, scenario
from projects.models import Endpoint, OpenApiSpec

FOLDER = Path(__file__).parent / "golden"
BASE = "http://127.0.0.1:9"
RATE = LoadPlan(pre_allocated_vus=5, max_vus=20)
KNOWN: dict[str, Part] = {
    "id": Take("id"),
    "session": Take("session"),
    "key": Secret("MV_1"),
    **{f"{table}.{column}": Take(f"{table}.{column}") for table in ("users", "cities") for column in ("name", "pin")},
}


def executors() -> RunPlan:
    """Each executor as k6 has it, levels that k6 has no executor for, and all that is under "more"."""
    more = LoadPlan(start_time=1.5, graceful_stop=5.0, graceful_ramp_down=0.0)
    levels = (StagePlan(2, 5), StagePlan(1.5, 20))
    one, held = (StagePlan(3, 7),), (StagePlan(10, 2),)
    asked: list[tuple[str, tuple[StagePlan, ...], LoadPlan]] = [
        ("constant-vus", one, LoadPlan()),
        ("constant-vus", levels, more),
        ("ramping-vus", (StagePlan(2, 5), StagePlan(0, 9), StagePlan(1, 0)), more),
        ("constant-arrival-rate", one, RATE),
        ("constant-arrival-rate", levels, replace(RATE, time_unit=60.0, graceful_stop=0.0)),
        ("constant-arrival-rate", (StagePlan(0.5, 3),), LoadPlan(pre_allocated_vus=3)),
        ("ramping-arrival-rate", levels, replace(RATE, time_unit=0.5)),
        ("shared-iterations", held, LoadPlan(iterations=7)),
        ("shared-iterations", (StagePlan(0.5, 9),), LoadPlan(iterations=3)),
        ("per-vu-iterations", held, replace(more, iterations=3)),
    ]
    return run_plan(
        *(
            scenario(at, executor, executor=executor, stages=stages, load=load, tps_target=5.0)
            for at, (executor, stages, load) in enumerate(asked)
        )
    )


def profiles() -> RunPlan:
    """The starting shapes, as users and as rates."""
    asked: list[tuple[Profile, bool]] = [(profile, rate) for profile in PROFILES for rate in (False, True)]
    shapes = [
        (f"{profile} {'rate' if rate else 'users'}", shape(profile, 50, 10, rate=rate)) for profile, rate in asked
    ]
    return run_plan(
        *(
            scenario(at, name, executor=one.executor, stages=one.stages, load=RATE)
            for at, (name, one) in enumerate(shapes)
        )
    )


def _step(method: str, path: str, body: str | None = None, how: Encoding = "json", **more: Any) -> StepPlan:
    request = RequestPlan(
        method,
        parse(BASE + path, KNOWN, "url"),
        f"{method} {path.partition('?')[0]}",
        (("Content-Type", "application/json"), ("X-Session", parse("{{session}}", KNOWN, "header"))),
        None if body is None else parse(body, KNOWN, how),
    )
    return StepPlan(f"{method} it", request, **more)


def journey() -> RunPlan:
    """Steps that take values and use them, each way to take and to check one, and each source of data."""
    login = _step(
        "POST", "/login?n={{users.name}}", '{"name": "{{users.name}}", "pin": {{users.pin}}}',
        once=True, statuses=((200, 201), (409, 409)),
        extracts=(
            ExtractPlan("session", "json", "$.token", ("token",)),
            ExtractPlan("id", "json", "$.orders[*].id", ("orders", "*", "id")),
            ExtractPlan("a", "header", "X-Request-Id"),
            ExtractPlan("b", "cookie", "sid"),
            ExtractPlan("c", "regex", r"id=(\d+)"),
        ),
        checks=(
            CheckPlan("contains", "", "token", "contains “token”"),
            CheckPlan("json", "$.ok", "true", "$.ok is true", ("ok",)),
            CheckPlan("header", "content-type", "json", "content-type contains json"),
            CheckPlan("size", "", "10000", "at most 10 KB"),
            CheckPlan("time", "", "500", "at most 500 ms"),
        ),
    )  # fmt: skip
    made = '["{{$uuid}}", {{$int(1,9)}}, {{$float(0,1,2)}}, {{$timestamp}}, "{{$isodate}}{{$email}}{{$choice(a,b)}}"]'
    use = _step("PUT", "/orders/{{id}}", made, checks=(CheckPlan("size", "", "10", "at most 10 bytes"),))
    form = _step("POST", "/search", "q={{cities.name}}", "form")
    text = _step("POST", "/xml", "<a>{{cities.name}}</a>", "xml")
    tables = (
        TablePlan("users", ("name", "pin"), "unique", 4, "users.json"),
        TablePlan("cities", ("name", "pin"), "random", 2, "cities.json"),
    )
    plan = run_plan(
        scenario(0, "Journey", steps=(login, use), error_rate_target=1.0, response_time_percentile=99),
        scenario(1, "Others", steps=(login,), response_time_target=300.0),
        scenario(2, "Together", steps=(use, form, text), load=LoadPlan(batch=True)),
    )
    targets = TargetsPlan(tps=5.0, response_time=800.0, response_time_percentile=90, error_rate=2.0)
    return replace(plan, tables=tables, targets=targets, options=OptionsPlan(batch=4))


def credentials() -> RunPlan:
    """Each way to say who asks: bearer, basic, keys in three places, OAuth 2 in both grants."""
    texts: list[tuple[str, Text]] = [
        ("Authorization", ("Bearer ", Secret("MV_1", "header"))),
        ("Authorization", ("Basic ", Secret("MV_2", "header"))),
        ("X-API-Key", (Secret("MV_3", "header"),)),
        ("Cookie", ("key=", Secret("MV_3", "header"))),
        ("Authorization", ("Bearer ", Token("t1", "header"))),
        ("Authorization", ("Bearer ", Token("t2", "header"))),
    ]
    plan = run_plan(
        *(scenario(at, name, headers=((name, text),)) for at, (name, text) in enumerate(texts)),
        scenario(len(texts), "Query", url=(f"{BASE}/?key=", Secret("MV_3", "url"))),
    )
    url = f"{BASE}/token"
    tokens = (
        TokenPlan("t1", "client_credentials", url, "shop", (Secret("MV_4"),), "read write"),
        TokenPlan("t2", "password", url, "shop", "", username="kim", password=(Secret("MV_5"),), in_body=True),
    )
    secrets = tuple(SecretPlan(f"MV_{at}", f"credential:{at}") for at in range(1, 6))
    return replace(plan, tokens=tokens, secrets=secrets, targets=TargetsPlan(error_rate=1.0))


def parameter_styles() -> RunPlan:
    """A list and an object in each style that OpenAPI has, one value of each taken from a data file."""
    listed, pairs = ["a b", "{{users.name}}"], {"k": "{{users.pin}}", "l": 1}
    asked: list[tuple[str, str, bool, Any]] = [
        *(("path", style, explode, value) for style in ("simple", "label", "matrix") for explode in (True, False)
          for value in (listed, pairs)),
        *(("query", "form", explode, value) for explode in (True, False) for value in (listed, pairs)),
        ("query", "spaceDelimited", False, listed),
        ("query", "pipeDelimited", False, listed),
        ("query", "deepObject", True, pairs),
        ("header", "simple", False, listed),
        ("header", "simple", True, pairs),
        ("cookie", "form", False, listed),
    ]  # fmt: skip
    scenarios = [_styled(at, *one) for at, one in enumerate(asked)]
    table = TablePlan("users", ("name", "pin"), "user", 2, "users.json")
    return replace(run_plan(*scenarios), tables=(table,))


def _styled(position: int, place: str, style: str, explode: bool, value: Any) -> ScenarioPlan:
    kind = "array" if isinstance(value, list) else "object"
    parameter = {"name": "p", "in": place, "style": style, "explode": explode, "schema": {"type": kind}}
    normal = {**parameter, "required": True, "value": None, "allow_reserved": False}
    path = "/things/{p}" if place == "path" else "/things"
    spec = OpenApiSpec(title="Styles", base_url=BASE)
    endpoint = Endpoint(openapi_spec=spec, path=path, method="GET", parameters=[normal])
    step = StepIn.model_validate({"endpoint_id": 1, "parameters": {place: {"p": value}}})
    request = build_request(step, endpoint, Place("", "One"), Surroundings(known=dict(KNOWN)))
    assert request.plan is not None, request.problems
    return scenario(position, f"{place} {style} {explode} {kind}", steps=(StepPlan("", request.plan),))


def http_options() -> RunPlan:
    """What differs from k6's own ways of HTTP, over several load generators."""
    http = OptionsPlan(max_redirects=0, timeout=1.5, verify_tls=False, http2=False, reuse="iteration", cookies="none")
    plan = run_plan(
        scenario(url=(f"{BASE}/", Make("uuid", (), "url")), response_time_target=5.0, error_rate_target=1.0)
    )
    return replace(plan, options=http, generators=3, targets=TargetsPlan(tps=5.0))


GOLDEN = {
    "executors": executors,
    "profiles": profiles,
    "journey": journey,
    "credentials": credentials,
    "parameter_styles": parameter_styles,
    "http_options": http_options,
}


def data_of_script(script: str) -> dict[str, Any]:
    """What of a script is not the same in all of them."""
    _before, _mark, rest = script.partition("const PLAN = ")
    found: dict[str, Any] = json.loads(rest.partition(";\n\n")[0])
    return found


def recorded(plan: RunPlan) -> str:
    """The record of a plan: the data of its script."""
    return json.dumps(data_of_script(build_script(plan)), ensure_ascii=False, indent=1) + "\n"


def record() -> None:
    """Writes all records anew."""
    for name, plan in GOLDEN.items():
        (FOLDER / f"{name}.json").write_text(recorded(plan()), encoding="utf-8")
