"""What the page of one run shows."""

from dataclasses import asdict
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from history import shape
from history.models import ScenarioHistory, TestHistory
from history.reasons import Explained, explain
from history.states import Outcome, Status
from history.templatetags import numbers

MET = frozenset({"p95_met", "errors_met", "tps_met"})
RULER = (1000.0, 40.0)  # the coordinates of the ruler's drawing


def context(run: TestHistory) -> dict[str, Any]:
    """Everything both pages of a run need, live and result; a constant number of queries."""
    scenarios = list(run.scenarios.select_related("endpoint").prefetch_related("stages"))
    curve = shape.asked(run.plan_snapshot)
    planned = shape.duration(run.plan_snapshot)
    planned_stages = {one["tag"]: shape.stages(one) for one in run.plan_snapshot.get("scenarios", [])}
    rows = [ScenarioRow(one, planned_stages.get(one.scenario_tag, [])) for one in scenarios]
    return {
        "run": run,
        "rows": rows,
        "planned": planned,
        "ruler": shape.points(curve, *RULER),
        "ticks": [planned * quarter / 4 for quarter in range(5)],
        "peak": max((users for _t, users in curve), default=0),
        "chart_plan": chart_plan(run, scenarios, curve, planned),
        "host": target_hosts(run),
        "verdict": verdict(run),
        "totals": totals(run),
        "log_tail": tail(run.log, 200),
        **generators(run),
    }


class GeneratorRow:
    """A load generator as the page shows it: `kind` is the colour and `shape` the shape of its `state`, in words."""

    _SHOWN: ClassVar[dict[str, tuple[str, str, Any]]] = {
        "waiting": ("", "none", gettext_lazy("Waits")),
        "ready": ("", "none", gettext_lazy("Ready")),
        "running": ("passed", "passed", gettext_lazy("Sends load")),
        "finished": ("passed", "passed", gettext_lazy("Finished")),
        "lost": ("missed", "missed", gettext_lazy("Lost")),
    }

    def __init__(self, row: dict[str, Any]) -> None:
        self.instance, self.name, self.node = row["instance"], row["name"], row["node"]
        self.restarts, self.exit_code = row["restarts"], row["exit_code"]
        self.cpu, self.cpu_limit, self.memory = row.get("cpu"), row.get("cpu_limit"), row.get("memory")
        self.kind, self.shape, self.state = self._SHOWN[row["phase"]]
        said = next(iter(explain([row["trouble"]])), None) if row.get("trouble") else None
        self.code = said["code"] if said else ""
        self.message, self.event = (said["message"], said["detail"]) if said else ("", "")


def _rows(run: TestHistory) -> list[GeneratorRow]:
    """What is wrong with several pods in the same way is said once, at the first."""
    said: set[tuple[str, str]] = set()
    rows = [GeneratorRow(row) for row in run.generators]
    for row in rows:
        same = (row.code, row.event)
        if same in said:
            row.message = row.event = ""
        said.add(same)
    return rows


def generators(run: TestHistory) -> dict[str, Any]:
    """The pods of a run on a cluster; `spread`: milliseconds between the first and the last that began."""
    starts = [row["started"] for row in run.generators if row.get("started") is not None]
    return {
        "on_cluster": run.runner != "local",
        "generators": _rows(run),
        "wanted": int(run.plan_snapshot.get("generators", 1)),
        "ready": sum(row["phase"] not in ("waiting", "lost") for row in run.generators),
        "spread": 1000 * (max(starts) - min(starts)) if len(starts) > 1 else None,
    }


class ScenarioRow:
    """A scenario as the page shows it: its numbers, which targets it missed, its stages with their names."""

    def __init__(self, scenario: ScenarioHistory, planned: list[shape.Band]) -> None:
        self.scenario = scenario
        self.missed = missed(scenario)
        self.missed_words = ", ".join(_("errors") if kind == "errors" else kind for kind in self.missed)
        self.stages = list(zip(planned, scenario.stages.all(), strict=False))
        self.has_target = scenario.response_time_target is not None or scenario.error_rate_target is not None


def chart_plan(
    run: TestHistory, scenarios: list[ScenarioHistory], curve: shape.Curve, planned: float
) -> dict[str, Any]:
    """What the charts draw behind the measured lines (read by static/js/charts.js)."""
    return {
        "duration": planned,
        "asked": curve,
        "bands": [asdict(band) for band in shape.bands(curve)],
        "targets": {
            "tps": _lines([(run.target_tps, "")], lambda value: f"{numbers.plain(value)}{numbers.GAP}req/s"),
            "latency": _lines([(one.response_time_target, one.name) for one in scenarios], numbers.ms),
            "errors": _lines([(one.error_rate_target, one.name) for one in scenarios], numbers.limit),
        },
    }


def _lines(targets: list[tuple[float | None, str]], as_text: Any) -> list[dict[str, Any]]:
    """One line for each different value; named after its scenarios only where there is more than one value."""
    names: dict[float, list[str]] = {}
    for value, name in targets:
        if value is not None:
            names.setdefault(value, []).append(name)
    shown = []
    for value, of in sorted(names.items()):
        name = _("target %(value)s") % {"value": as_text(value)}
        if len(names) > 1:
            name = f"{name} · {', '.join(of[:2])}{' …' if len(of) > 2 else ''}"
        shown.append({"value": value, "name": name})
    return shown


def target_hosts(run: TestHistory) -> str:
    """The hosts the load goes to, as planned."""
    urls = [scenario.get("request", {}).get("url", "") for scenario in run.plan_snapshot.get("scenarios", [])]
    return ", ".join(sorted({urlsplit(url).netloc for url in urls if url}))


def missed(scenario: ScenarioHistory) -> list[str]:
    """Which targets the finished scenario missed: "p95", "errors"."""
    found = []
    if _over(scenario.p95_response_time, scenario.response_time_target):
        found.append("p95")
    if _over(scenario.avg_error_rate, scenario.error_rate_target):
        found.append("errors")
    return found


def _over(value: float | None, target: float | None) -> bool:
    return value is not None and target is not None and value > target


def verdict(run: TestHistory) -> dict[str, Any]:
    """The banner: `kind` (its shape and colour), `title` in words with what to do (`advice`), and the few `reasons`
    that prove it. Targets that are met are counted, not listed: the table of endpoints has them all."""
    met = sum(one["code"] in MET for one in run.explained)
    first, _gap, advice = run.message.partition(". ")
    first = first.rstrip(".")
    if run.status == Status.STOPPED:
        kind, title = "stopped", first or _("Stopped before the end")
    elif run.status in (Status.FAILED, Status.TIMED_OUT) or run.outcome == Outcome.ERROR:
        kind, title = "error", first or _("The run ended with an error")
    elif run.outcome == Outcome.TARGETS_MISSED:
        kind, title = "missed", _("Targets missed: %(reason)s") % {"reason": first}
    elif run.outcome == Outcome.INVALID:
        kind, title = "invalid", _("Invalid: %(reason)s") % {"reason": first}
    elif not met:
        kind, title = "passed", _("Passed: the run was measured, no target was set")
    else:
        words = ngettext("Passed: the target is met", "Passed: all %(count)s targets are met", met)
        kind, title = "passed", words % {"count": numbers.count(met)}
    said = run.message if kind != "passed" else ""
    detail = next((one["detail"] for one in run.explained if one["message"] == said), "") if said else ""
    rest = [one for one in run.explained if one["message"] != said and one["code"] not in {*MET, "no_targets"}]
    if met and kind != "passed":
        words = ngettext("%(count)s target is met.", "%(count)s targets are met.", met)
        rest.append(Explained(code="met", good=True, message=words % {"count": numbers.count(met)}, detail=""))
    return {"kind": kind, "title": title, "advice": advice if said else "", "detail": detail, "reasons": rest}


def totals(run: TestHistory) -> list[tuple[str, list[str]]]:
    """Every measured rate of the run: (measure, [average, lowest, highest, p50, p95, p99]); "" where there is none."""
    nothing = ["", "", ""]
    tps = [numbers.tps(value) for value in (run.avg_tps, run.min_tps, run.max_tps)]
    times = [
        numbers.ms(value)
        for value in (
            run.avg_response_time,
            run.min_response_time,
            run.max_response_time,
            run.p50_response_time,
            run.p95_response_time,
            run.p99_response_time,
        )
    ]
    errors = [numbers.percent(value) for value in (run.avg_error_rate, run.min_error_rate, run.max_error_rate)]
    users = [numbers.rate(value) for value in (run.avg_vus, run.min_vus, run.max_vus)]
    return [
        (_("Throughput"), [*tps, *nothing]),
        (_("Response time"), times),
        (_("Error rate"), [*errors, *nothing]),
        (_("Virtual users"), [*users, *nothing]),
    ]


def tail(text: str, lines: int) -> list[tuple[str, str]]:
    """The last lines of k6's log as (kind, line); kind is "bad" for errors, "warn" for warnings, else ""."""
    found = []
    for line in text.splitlines()[-lines:]:
        bad = "level=error" in line or "level=fatal" in line or line.startswith(("ERRO", "FATA"))
        warn = "level=warning" in line or line.startswith("WARN")
        found.append(("bad" if bad else "warn" if warn else "", line))
    return found
