"""What the audit is told of runs and tries: what was started against which hosts, with how much load, or refused."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from history.models import TestHistory
from loadtests.asking import BeyondLimits
from loadtests.building import BuiltPlan
from loadtests.fields import duration_text
from loadtests.k6.curves import duration, peak_rate, peak_vus
from loadtests.k6.plan import RunPlan, Text
from loadtests.models import Plan, Try
from metricvault.lib.errors import TooMany
from projects import audit, refusals
from projects.models import Project


def record_start(run: TestHistory, built: BuiltPlan, labels: Sequence[str], again: TestHistory | None = None) -> None:
    """A run was queued."""
    told: dict[str, Any] = {"hosts": hosts_of(built.plan), "load": load_in_words(built.plan)}
    told |= {"environment": built.plan.environment or None, "labels": list(labels), "release": run.release}
    told = {name: value for name, value in told.items() if value}
    parts = [
        _("plan %(id)s “%(title)s”") % {"id": run.plan_id, "title": run.plan.title} if run.plan else "",
        _("run %(id)s again") % {"id": again.pk} if again else "",
    ]
    audit.record(audit.Action.STARTED, run, after=told, detail=", ".join(part for part in parts if part))


def record_try(row: Try, plan: RunPlan) -> None:
    """One iteration is about to be sent."""
    audit.record(audit.Action.STARTED, row, after={"hosts": hosts_of(plan)}, detail=_("one iteration"))


def record_stop(run_id: int, why: str) -> None:
    """The product ends the load of a run by itself."""
    run = TestHistory.objects.filter(pk=run_id).select_related("project").only("title", "project").first()
    audit.record(audit.Action.STOPPED, run, detail=why)


@contextmanager
def refusals_noted(plan: Plan | None = None, project: Project | None = None) -> Iterator[None]:
    """A start inside that goes beyond what an administrator allows is noted, and refused all the same."""
    try:
        yield
    except (BeyondLimits, TooMany) as refusal:
        words = "; ".join(detail.message for detail in refusal.details) or refusal.message
        of_project = refusal.project if isinstance(refusal, BeyondLimits) else project
        refusals.write(words, "limits", audit.who_acts().address, plan, of_project)
        refusals.forget(refusal)
        raise


def load_in_words(plan: RunPlan) -> str:
    """`up to 50 users, up to 20 iterations/s, 1m30s, 3 load generators`."""
    users, rate = peak_vus(plan), peak_rate(plan)
    parts = [
        _("up to %(count)s users") % {"count": f"{users:,}"} if users else "",
        _("up to %(count)s iterations/s") % {"count": f"{rate:,g}"} if rate else "",
        duration_text(duration(plan)),
        _("%(count)s load generators") % {"count": plan.generators} if plan.generators > 1 else "",
    ]
    return ", ".join(part for part in parts if part)


def hosts_of(plan: RunPlan) -> list[str]:
    """The hosts that the requests go to, each once, as far as they are known beforehand."""
    addresses = [step.request.url for scenario in plan.scenarios for step in scenario.steps]
    return sorted({_host(url) for url in [*addresses, *(token.url for token in plan.tokens)]})


def _host(url: Text) -> str:
    beginning = url if isinstance(url, str) else next((part for part in url if isinstance(part, str)), "")
    try:
        return urlsplit(beginning).netloc.rpartition("@")[2] or "?"
    except ValueError:
        return "?"
