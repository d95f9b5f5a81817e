"""What is kept of a run's load generators: its pods and what is wrong with them, and what that makes of the result."""

from dataclasses import asdict
from typing import Any

from history.models import TestHistory
from history.reasons import Reason, reason
from history.states import Status
from loadtests.runners import Generator, Progress, RunnerError

BUSY = 0.9  # of its CPU limit: a generator above it may have waited for itself instead of the target
_WINDOW = 3.0  # seconds over which CPU time is told as a share: less is no load that lasts
_SUSTAINED = 0.1  # of the time that a generator was watched
_KEPT = ("instance", "name", "phase", "node", "restarts", "exit_code", "event", "cpu_limit")
_FATAL = {"generator_restarted", "pod_oom", "pod_evicted", "pod_deleted"}
_PLANNED = {0, 99}  # k6's exit codes of a load that came to its end


def note(run: TestHistory, progress: Progress) -> None:
    """Keeps the generators as they are now, the most CPU and memory they took, and the trouble there is."""
    if not progress.generators and progress.trouble == run.trouble:
        return
    before = {row["instance"]: row for row in run.generators}
    counts = run.status != Status.STARTING  # until then k6 compiles its script and makes its users
    rows = [_row(one, before.get(one.instance, {}), counts) for one in progress.generators] or run.generators
    if rows != run.generators or progress.trouble != run.trouble:
        run.generators, run.trouble = rows, progress.trouble
        TestHistory.objects.filter(pk=run.pk).update(generators=rows, trouble=progress.trouble)


def note_error(run: TestHistory, error: RunnerError) -> None:
    """The cluster does not answer, or forbids to ask: shown on the run until it answers."""
    code = "cluster_forbids" if error.permanent else "cluster_away"
    note(run, Progress("running", None, 0, 0, 0, "", reason(code, event=str(error))))


def _row(one: Generator, before: dict[str, Any], counts: bool = True) -> dict[str, Any]:
    row = {name: value for name, value in asdict(one).items() if name in _KEPT}
    row["name"] = one.name or before.get("name", "")
    row["trouble"] = one.trouble
    if before.get("phase") == "lost" and before.get("trouble"):
        # A pod that was lost stays so: once all are told to stop, or it is gone, the cluster no longer says why.
        row |= {name: before[name] for name in ("phase", "trouble", "event", "exit_code", "node")}
    for name, value in (("cpu", one.cpu), ("memory", one.memory)):
        seen = [number for number in (value, before.get(name)) if number is not None]
        row[name] = max(seen, default=None)
    return row | _sampled(one, before, counts)


def _sampled(one: Generator, before: dict[str, Any], counts: bool) -> dict[str, Any]:
    """For a generator that tells the CPU time it used so far: its `sample`, [clock, seconds of CPU time]; `cpu`, the
    most it took over a window (cores); `watched` and `busy`, the seconds of all windows and of those above `BUSY`.
    Where that does not count yet the sample is only the begin of what comes."""
    names = ("sample", "watched", "busy", "cpu", "cpu_limit")
    row: dict[str, Any] = {name: before[name] for name in names if name in before}
    if one.cpu_limit is not None:
        row["cpu_limit"] = one.cpu_limit
    if one.cpu_seconds is None or one.clock is None:
        return row if "sample" in before else {}
    if "sample" not in before or not counts:
        return {**row, "sample": [one.clock, one.cpu_seconds], "watched": 0.0, "busy": 0.0}
    lasted, limit = one.clock - before["sample"][0], row.get("cpu_limit")
    if lasted < _WINDOW:
        return row
    used = (one.cpu_seconds - before["sample"][1]) / lasted
    row["watched"] += lasted
    row["busy"] += lasted if limit and used > BUSY * limit else 0.0
    return row | {"sample": [one.clock, one.cpu_seconds], "cpu": max(used, before.get("cpu") or 0.0)}


def loss(run: TestHistory) -> Reason | None:
    """Why a part of the load is missing; None where all generators did theirs, or where k6's exit code says more."""
    found = [row["trouble"] for row in run.generators if row.get("trouble")]
    fatal = next((one for one in found if one["code"] in _FATAL), None)
    if run.stop_reason == "lost":
        ended = next((one for one in found if one["code"] == "generator_lost"), None)
        return fatal or ended or reason("generator_lost", pod="-", exit_code="-")
    return fatal if run.exit_code not in _PLANNED else None


def doubts(run: TestHistory) -> list[Reason]:
    """What speaks against the numbers of a run whose load was made as planned: generators at their limit."""
    found = []
    for row in run.generators:
        used, limit = row.get("cpu"), row.get("cpu_limit")
        if used is None or not limit or used / limit <= BUSY:
            continue
        share = min(100.0, round(100 * used / limit, 1))
        if "sample" not in row:
            found.append(reason("generator_busy", pod=row["name"], share=share))
        elif row["busy"] >= _SUSTAINED * row["watched"]:
            found.append(reason("generator_busy", share=share, cores=limit, seconds=round(row["busy"], 1)))
    return found
