"""A plan read back from the JSON that was kept with a run. Pure."""

from collections.abc import Mapping
from typing import Any

from loadtests.k6.plan import (
    CheckPlan,
    ExtractPlan,
    LoadPlan,
    Make,
    OptionsPlan,
    Part,
    ReachPlan,
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

Json = Mapping[str, Any]


def from_json(data: Json) -> RunPlan:
    """The plan that `to_json` wrote, straight or read back from JSON text. KeyError where a part is missing.

    Scenarios of runs before there were steps have one request.
    """
    more = {name: data[name] for name in ("generators", "k6_dashboard", "environment", "profile") if name in data}
    return RunPlan(
        data["run"],
        data["title"],
        tuple(_scenario(item) for item in data["scenarios"]),
        targets=TargetsPlan(**data.get("targets", {})),
        options=OptionsPlan(**data.get("options", {})),
        tables=tuple(TablePlan(**{**one, "columns": tuple(one["columns"])}) for one in data.get("tables", ())),
        tokens=tuple(_token(one) for one in data.get("tokens", ())),
        secrets=tuple(SecretPlan(**one) for one in data.get("secrets", ())),
        reach=_reach(data.get("reach")),
        **more,
    )


def _reach(data: Json | None) -> ReachPlan | None:
    if data is None:
        return None
    return ReachPlan(tuple(data["follow"]), tuple((name, tuple(found)) for name, found in data["pinned"]))


def _scenario(data: Json) -> ScenarioPlan:
    steps = data["steps"] if "steps" in data else [{"name": "", "request": data["request"]}]
    names = ("response_time_target", "error_rate_target", "response_time_percentile", "tps_target")
    return ScenarioPlan(
        tag=data["tag"],
        name=data["name"],
        executor=data["executor"],
        stages=tuple(StagePlan(stage["duration"], stage["target"]) for stage in data["stages"]),
        think_time=data["think_time"],
        steps=tuple(_step(one) for one in steps),
        load=LoadPlan(**data.get("load", {})),
        **{name: data[name] for name in names if name in data},
    )


def _step(data: Json) -> StepPlan:
    request = data["request"]
    return StepPlan(
        name=data["name"],
        request=RequestPlan(
            method=request["method"],
            url=_text(request["url"]),
            name=request["name"],
            headers=tuple((name, _text(value)) for name, value in request["headers"]),
            body=None if request["body"] is None else _text(request["body"]),
        ),
        statuses=tuple((low, high) for low, high in data.get("statuses", ())),
        checks=tuple(_check(one) for one in data.get("checks", ())),
        extracts=tuple(ExtractPlan(**{**one, "path": tuple(one["path"])}) for one in data.get("extracts", ())),
        once=data.get("once", False),
    )


def _check(data: Json) -> CheckPlan:
    return CheckPlan(**{**data, "value": _text(data["value"]), "path": tuple(data["path"])})


def _token(data: Json) -> TokenPlan:
    texts = {name: _text(data[name]) for name in ("client_id", "client_secret", "username", "password")}
    return TokenPlan(**{**data, **texts})


def _text(data: Any) -> Text:
    return data if isinstance(data, str) else tuple(_part(one) for one in data)


def _part(data: Any) -> Part:
    if isinstance(data, str):
        return data
    for name, kind in (("take", Take), ("secret", Secret), ("token", Token)):
        if name in data:
            return kind(data[name], data["how"])
    return Make(data["make"], tuple(data["args"]), data["how"])
