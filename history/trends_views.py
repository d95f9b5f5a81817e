"""The page of a trend, of a plan, an endpoint or a project."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from history import comparing_page
from history.trends import (
    LAST,
    MEASURES,
    MOST,
    Subject,
    Trend,
    endpoint_subject,
    plan_subject,
    project_subject,
    request_subject,
    requests_of,
    trend,
)
from history.trends_charts import charts
from metricvault.lib.errors import Detail, Refused
from metricvault.lib.htmx import render_page
from projects.access import Person, get_project, require_user

PAGE_SIZE = 50
_LONGEST = 2050  # characters of a request's name


@require_safe
def trends(request: HttpRequest) -> HttpResponse:
    """`/runs/trends/?plan=1` (or `project=1`, `endpoint=1`, `project=1&request=GET /orders`) `&measure=&last=`."""
    user = require_user(request)
    subject = subject_of(user, request.GET)
    measure = request.GET.get("measure", "")
    measure = measure if measure in MEASURES else ""
    last = request.GET.get("last", "")
    found = trend(user, subject, int(last) if last in ("0", *map(str, LAST)) else LAST[1])
    context = _context(found, measure, last)
    context["page"] = Paginator(found.readings[::-1], PAGE_SIZE).get_page(request.GET.get("page"))
    return render_page(request, "history/trends.html", "history/trends/result.html", context)


def subject_of(user: Person, asked: QueryDict) -> Subject:
    """What the address names; `Refused` where it names nothing, `Missing` where the person may not see it."""
    if plan := asked.get("plan"):
        return plan_subject(user, _key("plan", plan))
    if endpoint := asked.get("endpoint"):
        return endpoint_subject(user, _key("endpoint", endpoint))
    if project := asked.get("project"):
        key = _key("project", project)
        if name := asked.get("request", "").replace("\0", "").strip()[:_LONGEST]:
            return request_subject(get_project(user, key), name)
        return project_subject(user, key)
    sentence = _("Name a plan, an endpoint or a project.")
    raise Refused(sentence, [Detail("plan", sentence)])


def _key(field: str, text: str) -> int:
    if not text.isdecimal() or len(text) > 18:
        sentence = _("“%(text)s” is not a number.") % {"text": text[:40]}
        raise Refused(sentence, [Detail(field, sentence)])
    return int(text)


def _context(found: Trend, measure: str, last: str) -> dict[str, Any]:
    readings = found.readings
    valid = [row.run_id for row in readings if row.valid]
    names = {"p50": "p50", "p95": "p95", "p99": "p99", "tps": _("Throughput"), "errors": _("Error rate")}
    return {
        "found": found,
        "charts": charts(found, measure) if readings else [],
        "alone": bool(measure),
        "measure": measure,
        "last": last if last in ("0", *map(str, LAST)) else str(LAST[1]),
        "measures": [("", _("All measures")), *names.items()],
        "lengths": [
            *((str(count), _("last %(count)s runs") % {"count": count}) for count in LAST),
            ("0", _("all runs, %(most)s at most") % {"most": MOST}),
        ],
        "fields": _fields(found.subject),
        "requests": requests_of(readings[-1].run_id) if readings and found.subject.kind != "endpoint" else [],
        "compare": comparing_page.address(valid[-2:]) if len(valid) > 1 else "",
        "several": any(row.several > 1 for row in readings),
    }


def _fields(subject: Subject) -> list[tuple[str, str]]:
    """What the address says of the subject, to be sent again with another choice."""
    if subject.kind == "plan":
        return [("plan", str(subject.plan_id))]
    key = ("project", str(subject.project.pk))
    return [key, ("request", subject.request)] if subject.kind == "endpoint" else [key]
