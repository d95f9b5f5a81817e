"""What the page of one run shows."""

from dataclasses import asdict
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from history import shape
from history.hosts import hosts
from history.models import ScenarioHistory, StepHistory, TestHistory
from history.reasons import explain
from history.templatetags import numbers
from history.verdict import time_of
from history.verdict_words import verdict

RULER = (1000.0, 40.0)  # the coordinates of the ruler's drawing


def context(run: TestHistory) -> dict[str, Any]:
    """Everything both pages of a run need, live and result; a constant number of queries."""
    scenarios = list(run.scenarios.select_related("endpoint").prefetch_related("stages", "steps"))
    rate = shape.in_rates(run.plan_snapshot)
    curve = shape.asked_rate(run.plan_snapshot) if rate else shape.asked(run.plan_snapshot)
    planned = shape.duration(run.plan_snapshot)
    planned_stages = {one["tag"]: shape.stages(one) for one in run.plan_snapshot.get("scenarios", [])}
    rows = [ScenarioRow(one, planned_stages.get(one.scenario_tag, [])) for one in scenarios]
    return {
        "run": run,
        "rows": rows,
        "planned": planned,
        "ruler": shape.points(curve, *RULER),
        "ticks": [planned * quarter / 4 for quarter in range(5)],
        "peak": _most_users(run),
        "chart_plan": chart_plan(run, scenarios, curve, planned),
        "iterated": iterated(run),
        "stepped": [row for row in rows if row.steps],
        "slow": time_of(run),
        "host": hosts(run.plan_snapshot),
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
        words = {"errors": _("errors"), "pace": _("throughput")}
        self.missed_words = ", ".join(words.get(kind, kind) for kind in self.missed)
        self.percentile = f"p{scenario.response_time_percentile}"
        self.stages = [
            (band, stage, _over(_percentile(stage, self.percentile), scenario.response_time_target))
            for band, stage in zip(planned, scenario.stages.all(), strict=False)
        ]
        targets = (scenario.response_time_target, scenario.error_rate_target, scenario.tps_target)
        self.has_target = any(target is not None for target in targets)
        self.judged_live = targets[:2] != (None, None)  # throughput is judged at the end
        steps = [StepRow(step) for step in scenario.steps.all()]
        self.journey = len(steps) if len(steps) > 1 else 0
        self.steps = steps if self.journey or any(step.checks for step in steps) else []
        self.failed_checks = sum(check["failed"] or 0 for step in steps for check in step.checks)


class StepRow:
    """A step as the page shows it; `checks` with their `share` of answers that failed, in percent."""

    def __init__(self, step: StepHistory) -> None:
        self.step, self.number = step, step.position + 1
        self.title = step.name if step.name != step.request_name else ""
        self.checks = [self._check(check) for check in step.checks]

    def _check(self, check: dict[str, Any]) -> dict[str, Any]:
        passed, failed = check.get("passed"), check.get("failed")
        total = (passed or 0) + (failed or 0)
        share = 100.0 * (failed or 0) / total if total else None
        return {**check, "passed": passed, "failed": failed, "total": total, "share": share}


def _percentile(row: Any, name: str) -> float | None:
    """None for p90, which stages do not have."""
    value: float | None = getattr(row, f"{name}_response_time", None)
    return value


def iterated(run: TestHistory) -> bool:
    """Whether iterations are something else than requests, or can be dropped."""
    scenarios = run.plan_snapshot.get("scenarios", [])
    return any(shape.is_rate(one) or len(one.get("steps", ())) > 1 for one in scenarios) or bool(run.dropped_iterations)


def _most_users(run: TestHistory) -> float:
    """Users at the peak, with as many as the rates may take."""
    loads = [one.get("load", {}) for one in run.plan_snapshot.get("scenarios", []) if shape.is_rate(one)]
    for_rates = sum(int(load.get("max_vus") or load.get("pre_allocated_vus") or 0) for load in loads)
    return for_rates + max((users for _t, users in shape.asked(run.plan_snapshot)), default=0)


def _asked_requests(run: TestHistory) -> shape.Curve:
    """The requests per second that the rates of a plan come to, where each iteration sends all its steps."""
    scenarios = []
    for one in run.plan_snapshot.get("scenarios", []):
        sent = max(1, sum(not step.get("once") for step in one.get("steps", ())))
        stages = [{**stage, "target": stage["target"] * sent} for stage in one.get("stages", [])]
        scenarios.append({**one, "stages": stages})
    return shape.asked_rate({"scenarios": scenarios})


def chart_plan(
    run: TestHistory, scenarios: list[ScenarioHistory], curve: shape.Curve, planned: float
) -> dict[str, Any]:
    """What the charts draw behind the measured lines (read by static/js/charts.js). `asked_in`: the chart that shows
    what was asked for, users or requests per second."""
    rate = shape.in_rates(run.plan_snapshot)
    whole = [(run, _("all"))] if len(scenarios) > 1 else [(run, "")]
    rows: list[tuple[TestHistory | ScenarioHistory, str]] = [*whole, *((one, one.name) for one in scenarios)]
    slow = [(one.response_time_target, f"p{one.response_time_percentile}", name) for one, name in rows]
    return {
        "duration": planned,
        "asked": _asked_requests(run) if rate else curve,
        "asked_in": "tps" if rate else "vus",
        "bands": [asdict(band) for band in shape.bands(curve, rate=rate)],
        "targets": {
            "tps": _lines([(run.target_tps, "", "")], lambda value: f"{numbers.plain(value)}{numbers.GAP}req/s"),
            "latency": _lines(slow, numbers.ms),
            "errors": _lines([(one.error_rate_target, "", name) for one, name in rows], numbers.limit),
        },
    }


def _lines(targets: list[tuple[float | None, str, str]], as_text: Any) -> list[dict[str, Any]]:
    """One line for each different value and percentile; named after its scenarios only where there is more than one."""
    names: dict[tuple[float, str], list[str]] = {}
    for value, percentile, name in targets:
        if value is not None:
            names.setdefault((value, percentile), []).append(name)
    shown = []
    for (value, percentile), of in sorted(names.items()):
        name = _("target %(value)s") % {"value": as_text(value)}
        name = f"{percentile} {name}" if percentile else name
        if len(names) > 1:
            name = f"{name} · {', '.join(of[:2])}{' …' if len(of) > 2 else ''}"
        shown.append({"value": value, "name": name})
    return shown


def missed(scenario: ScenarioHistory) -> list[str]:
    """Which targets the finished scenario missed: "p95" (the percentile of its target), "errors", "pace"."""
    found = []
    if _over(time_of(scenario), scenario.response_time_target):
        found.append(f"p{scenario.response_time_percentile}")
    if _over(scenario.avg_error_rate, scenario.error_rate_target):
        found.append("errors")
    if _over(scenario.tps_target, scenario.avg_tps):
        found.append("pace")
    return found


def _over(value: float | None, target: float | None) -> bool:
    return value is not None and target is not None and value > target


def totals(run: TestHistory) -> list[tuple[str, list[str]]]:
    """Every measured rate of the run: (measure, [average, lowest, highest, p50, p90, p95, p99]); "" where none is."""
    nothing = ["", "", "", ""]
    tps = [numbers.tps(value) for value in (run.avg_tps, run.min_tps, run.max_tps)]
    times = [
        numbers.ms(value)
        for value in (
            run.avg_response_time,
            run.min_response_time,
            run.max_response_time,
            run.p50_response_time,
            run.p90_response_time,
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
