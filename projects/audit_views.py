"""Pages of the audit: the whole for administrators, that of a project for its owner; and the same as CSV."""

from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from metricvault.lib import cells
from metricvault.lib.downloads import Download, spooled
from metricvault.lib.htmx import render_page
from projects import audit, audit_rows, audit_search
from projects.access import get_owned_project, require_user
from projects.audit_search import ON_A_PAGE, Search
from projects.models import AuditEntry, Project


@require_safe
def everything(request: HttpRequest) -> HttpResponse:
    """`/audit/?q=&person=&action=&way=&project=&kind=&since=&until=&before=`; HTMX gets the table alone."""
    audit_search.require_administrator(require_user(request))
    return _page(request, None)


@require_safe
def of_project(request: HttpRequest, pk: int) -> HttpResponse:
    """The same of one project, for its owner."""
    return _page(request, get_owned_project(require_user(request), pk))


@require_safe
def csv_of_everything(request: HttpRequest) -> HttpResponseBase:
    """What the page finds, all of it."""
    audit_search.require_administrator(require_user(request))
    return csv_file(audit_search.read(request.GET.dict()))


@require_safe
def csv_of_project(request: HttpRequest, pk: int) -> HttpResponseBase:
    """What the page of the project finds, all of it."""
    project = get_owned_project(require_user(request), pk)
    return csv_file(audit_search.read(request.GET.dict()), project)


def csv_file(search: Search, project: Project | None = None) -> Download:
    """Everything that a search finds as a file; that it was taken away is an entry itself. Who asks was looked at."""
    rows = audit_search.found(search, project.pk if project else None)
    table = cells.written(audit_rows.HEAD, audit_rows.cells(rows))
    name = f"audit-{project.pk}" if project else "audit"
    answer = Download(spooled(table), f"{name}-{timezone.now():%Y%m%d-%H%M%S}.csv", "text/csv; charset=utf-8")
    audit.record(audit.Action.EXPORTED, project, detail=_("the audit as CSV"))
    return answer


def _page(request: HttpRequest, project: Project | None) -> HttpResponse:
    search = audit_search.read(request.GET.dict())
    found = list(audit_search.found(search, project.pk if project else None)[: ON_A_PAGE + 1])
    shown = found[:ON_A_PAGE]
    chosen = {name: request.GET.get(name, "").replace("\x00", "") for name in _NAMES}
    context: dict[str, Any] = {
        "project": project,
        "csv": reverse("projects:audit-csv", args=[project.pk]) if project else reverse("audit-csv"),
        "rows": audit_rows.rows(shown),
        "chosen": chosen,
        "narrows": search.narrows,
        "older": shown[-1].pk if len(found) > ON_A_PAGE else None,
        "paged": search.before is not None,
        "actions": AuditEntry.Action.choices,
        "ways": AuditEntry.Way.choices,
    }
    if not request.htmx:  # type: ignore[attr-defined]  # django-htmx's middleware puts it there
        context |= {
            "people": _people(project),
            "kinds": sorted(((name, str(word)) for name, word in audit_rows.kinds().items()), key=lambda one: one[1]),
            "projects": [] if project else Project.objects.order_by("title", "pk").values_list("pk", "title"),
            "more": any(chosen[name] for name in ("since", "until", "kind", "way")),
        }
    return render_page(request, "audit/list.html", "audit/entries.html", context)


_NAMES = ("q", "person", "action", "way", "project", "kind", "since", "until")


def _people(project: Project | None) -> list[str]:
    """The names that are offered; any other can be typed."""
    people = User.objects.order_by("username")
    if project is not None:
        people = people.filter(Q(pk__in=project.memberships.values("user")) | Q(projects=project))
    return list(people.values_list("username", flat=True)[:500])
