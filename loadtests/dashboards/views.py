"""The way in to k6's own dashboard of a generator, and everything behind its ticket."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from history.access import get_run
from history.k6_report import k6_report
from history.live.rights import Right, right_of
from history.live.streams import Opening
from history.models import TestHistory
from loadtests.dashboards import upstream
from loadtests.dashboards.events import DashboardEvents
from loadtests.dashboards.tickets import holder, make_ticket
from loadtests.k6.dashboard import EVENTS, content_type, shown_report
from loadtests.runners import Door, RunnerError, open_runner
from metricvault.lib.errors import Conflict, Missing, Unreachable
from metricvault.lib.foreign import seal
from projects.access import require_user

_START = "ui/?endpoint=../"  # where the page looks for its events, seen from ui/


@require_GET
def enter(request: HttpRequest, pk: int, instance: str) -> HttpResponse:
    """`/runs/ID/k6-dashboard/INSTANCE/`: leads to the dashboard, with a ticket for it."""
    user = require_user(request)
    _way_to(get_run(user, pk), instance)  # what is wrong is said here, on a page of ours
    ticket = make_ticket(user, pk, instance, right_of(request, user, pk))
    response = redirect(f"{request.path}{ticket}/{_START}")
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@login_not_required
@require_GET
def part(request: HttpRequest, pk: int, instance: str, ticket: str, path: str) -> HttpResponse:
    """What k6 has at `path`. Only that is asked of k6: nothing of the request goes on to it but its last event."""
    user, right = holder(ticket, pk, instance)
    run = get_run(user, pk)
    kind = content_type(path)
    if path == "report" and run.is_finished:  # a page that was left open asks for it
        return k6_report(run, instance)
    if path == EVENTS:
        return _open(_stream(request, right, run, instance))
    if not kind:
        raise Missing(_("k6's dashboard has no such page."))
    try:
        content = upstream.fetch(_way_to(run, instance), path)
    except upstream.Broken as error:
        raise Unreachable(_("k6's dashboard does not answer.")) from error
    if content is None:
        raise Missing(_("k6's dashboard has no such page."))
    if path == "report":
        page = content.decode(errors="replace")
        return seal(HttpResponse(shown_report(page) or page, content_type=kind))
    return _open(seal(HttpResponse(content, content_type=kind), files=True))


def _way_to(run: TestHistory, instance: str) -> Door:
    if instance not in run.dashboards:
        raise Conflict(_("k6's own dashboard is there while the run sends load, where its plan asks for it."))
    try:
        return open_runner(run.runner).dashboard(run.job_name, instance)
    except RunnerError as error:
        reason = _(str(error.detail["text"])) % error.detail["values"]
        raise Unreachable(_("k6's dashboard cannot be reached: %(reason)s") % {"reason": reason}) from error


def _stream(request: HttpRequest, right: Right, run: TestHistory, instance: str) -> HttpResponse:
    """Hands the stream over to `history.live.streams`, which stands before Django."""
    opening = Opening.of(request)
    if opening is None:
        raise Unreachable(_("k6's dashboard does not answer."))
    opening.admit(right)
    last = request.headers.get("Last-Event-ID", "")
    first = str(int(last) + 1) if last.isdecimal() and len(last) < 19 else ""  # k6 tells the last one again otherwise
    opening.stream = DashboardEvents(run.pk, _way_to(run, instance), first)
    response = HttpResponse(content_type="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _open(response: HttpResponse) -> HttpResponse:
    """Lets the page in its sandbox read it: its origin is "null"."""
    response.headers["Access-Control-Allow-Origin"] = "null"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"  # who has the ticket may
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
