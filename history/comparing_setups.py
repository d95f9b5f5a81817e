"""What else differs between runs: the load they asked for, where it went, and how it was sent. From plan snapshots."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from history import shape
from history.hosts import hosts
from history.models import TestHistory
from history.templatetags import numbers
from projects.models import Environment

_MOST_STAGES = 6
_Plan = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Setup:
    """Something that is not the same in all runs: its name, and how it is in each of them ("–": it has none)."""

    name: str
    texts: tuple[str, ...]


def differing(runs: Sequence[TestHistory]) -> list[Setup]:
    """What differs, the most telling first; one query, for the names of environments."""
    plans: list[_Plan] = [run.plan_snapshot for run in runs]
    wanted = [*_of_runs(runs, plans), *_of_scenarios(plans), *_of_options(plans)]
    rows = (Setup(name, tuple(text or numbers.NOTHING for text in texts)) for name, texts in wanted)
    return [row for row in rows if len(set(row.texts)) > 1]


def same_load(runs: Sequence[TestHistory]) -> bool:
    """Whether all of them asked for the same load: the same executors, stages and pauses for scenarios of one name."""
    return len({repr(load_of(run.plan_snapshot)) for run in runs}) == 1


def load_of(plan: _Plan) -> list[Any]:
    """What a plan asks for, without where it is sent, in a form that can be compared."""
    return sorted(
        [one.get("name", ""), one.get("executor", ""), one.get("stages", []), one.get("think_time", 0), _more(one)]
        for one in plan.get("scenarios", [])
    )


def _more(scenario: _Plan) -> list[Any]:
    load = scenario.get("load", {})
    return [float(load.get("time_unit") or 1), float(load.get("start_time") or 0), load.get("iterations")]


_Rows = list[tuple[str, list[str]]]


def _of_runs(runs: Sequence[TestHistory], plans: Sequence[_Plan]) -> _Rows:
    names = Environment.objects.in_bulk([plan["environment"] for plan in plans if plan.get("environment")])
    environments = [_environment(plan.get("environment"), names) for plan in plans]
    return [
        (_("Plan"), [run.plan.title if run.plan else run.title for run in runs]),
        (_("Release"), [run.release for run in runs]),
        (_("Target"), [hosts(plan) for plan in plans]),
        (_("Environment"), environments),
        (_("Planned duration"), [numbers.clock(shape.duration(plan)) for plan in plans]),
        (_("Load generators"), [numbers.count(int(plan.get("generators", 1))) for plan in plans]),
        (_("Runner"), [run.runner for run in runs]),
    ]


def _environment(key: int | None, names: Mapping[int, Environment]) -> str:
    if key is None:
        return ""
    return names[key].name if key in names else _("deleted")


def _of_scenarios(plans: Sequence[_Plan]) -> _Rows:
    by_name = [{str(one.get("name", "")): one for one in plan.get("scenarios", [])} for plan in plans]
    names = list(dict.fromkeys(name for scenarios in by_name for name in scenarios))
    parts: list[tuple[str, Callable[[_Plan], str]]] = [
        (_("Load: %(scenario)s"), _load),
        (_("Think time: %(scenario)s"), lambda one: numbers.seconds(one.get("think_time") or 0)),
    ]
    rows: _Rows = []
    for name in names:
        found = [scenarios.get(name) for scenarios in by_name]
        present = [one for one in found if one is not None]
        if len(present) < len(found):
            rows.append((_("Load: %(scenario)s") % {"scenario": name}, [_load(one) if one else "" for one in found]))
            continue
        rows += [(title % {"scenario": name}, [text(one) for one in present]) for title, text in parts]
        rows.append((_("Requests: %(scenario)s") % {"scenario": name}, _requests(present)))
    return rows


def _load(scenario: _Plan) -> str:
    """`constant-vus: Hold 20 VUs 00:50`."""
    stages = shape.stages(scenario)
    told = [f"{stage.name} {numbers.clock(stage.end - stage.start)}" for stage in stages[:_MOST_STAGES]]
    if len(stages) > _MOST_STAGES:
        told.append("…")
    if iterations := scenario.get("load", {}).get("iterations"):
        told.append(_("%(count)s iterations") % {"count": numbers.count(iterations)})
    return f"{scenario.get('executor', '')}: {', '.join(told)}"


def _requests(scenarios: Sequence[_Plan]) -> list[str]:
    """What is sent is long: only whether it is the same."""
    sent = [_sent(one) for one in scenarios]
    return [_("as in the base") if one == sent[0] else _("not as in the base") for one in sent]


def _sent(scenario: _Plan) -> list[Any]:
    """Requests, checks and values to take; without the host, which has a row of its own."""
    found = []
    for step in scenario.get("steps") or [{"request": scenario.get("request", {})}]:
        request = {name: value for name, value in step.get("request", {}).items() if name != "url"}
        found.append([request, step.get("checks", []), step.get("extracts", []), step.get("statuses", [])])
    return found


def _of_options(plans: Sequence[_Plan]) -> _Rows:
    names = {
        "timeout": _("Time-out of a request"),
        "max_redirects": _("Redirects at most"),
        "verify_tls": _("Certificates are checked"),
        "http2": _("HTTP/2"),
        "reuse": _("New connections"),
        "cookies": _("Cookies are kept"),
    }
    options = [plan.get("options", {}) for plan in plans]
    return [(name, [_option(given.get(key)) for given in options]) for key, name in names.items()]


def _option(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, float):
        return numbers.seconds(value)
    return "" if value is None else str(value)
