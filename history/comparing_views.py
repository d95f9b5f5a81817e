"""Pages of a comparison."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from history import baselines, comparing_page
from history.access import get_run, visible_runs
from history.comparing import MOST
from history.models import TestHistory
from history.states import FINISHED
from metricvault.lib.errors import Detail, Missing, Refused
from projects.access import Person, require_user

OFFERED = 40  # runs that can be added on the page; others by their boxes in the list of runs
_HEAVY = ("script", "log", "summary", "asked", "live_sent")


@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """`/runs/compare/?runs=7&runs=9`: the first is the base, the order is kept."""
    user = require_user(request)
    wanted = list(dict.fromkeys(numbers_in(request.GET.getlist("runs"))))
    if len(wanted) > MOST:
        heads = [(pk, comparing_page.address([one for one in wanted if one != pk])) for pk in wanted[:50]]
        refused = {"too_many": comparing_page.too_many(), "chosen": heads}
        return render(request, "history/compare.html", refused, status=422)
    runs = chosen(user, wanted)
    context: dict[str, Any] = comparing_page.context(runs)
    if len(runs) < MOST:
        context["offered"] = _offered(user, runs)
    return render(request, "history/compare.html", context)


@require_safe
def against_baseline(request: HttpRequest, pk: int) -> HttpResponse:
    """Leads to the comparison of a run with its baseline; without one it says so."""
    run = get_run(require_user(request), pk)
    base = baselines.baseline_of(run)
    if base is None or base.pk == run.pk:
        message = _("This run is the baseline.") if base else _("Nothing is the baseline of this run yet.")
        return render(request, "history/compare.html", {**comparing_page.context([run]), "message": message})
    return HttpResponseRedirect(comparing_page.address([base.pk, run.pk]))


def chosen(user: Person, wanted: Sequence[int]) -> list[TestHistory]:
    """The runs in the order they were asked for; `Missing` where the person may not see one of them."""
    rows = visible_runs(user).filter(pk__in=wanted).select_related("project", "plan").defer(*_HEAVY).in_bulk()
    for pk in wanted:
        if pk not in rows:
            raise Missing(_("There is no run %(id)s.") % {"id": pk})
    return [rows[pk] for pk in wanted]


def numbers_in(texts: Sequence[str]) -> list[int]:
    """Keys of runs: `7`, `#7` and `7,9` are all understood; `Refused` for anything else."""
    found = []
    for text in ",".join(texts).split(","):
        digits = text.strip().removeprefix("#")
        if not digits:
            continue
        if not digits.isdecimal() or len(digits) > 18:
            sentence = _("“%(text)s” is not the number of a run.") % {"text": text.strip()[:40]}
            raise Refused(sentence, [Detail("runs", sentence)])
        found.append(int(digits))
    return found


def _offered(user: Person, runs: Sequence[TestHistory]) -> QuerySet[TestHistory]:
    """What can be added: finished runs, the newest first, of the projects of those that are chosen."""
    found = visible_runs(user).filter(status__in=FINISHED).exclude(pk__in=[run.pk for run in runs])
    if runs:
        found = found.filter(project__in={run.project_id for run in runs})
    return found.order_by("-tested_at", "-pk").only("pk", "title", "tested_at")[:OFFERED]
