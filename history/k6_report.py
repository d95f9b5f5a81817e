"""k6's own report of a load generator as an answer."""

from django.http import HttpResponse
from django.utils.translation import gettext as _

from history.models import TestHistory
from metricvault.lib.errors import Missing
from metricvault.lib.foreign import seal


def k6_report(run: TestHistory, instance: str, *, download: bool = False) -> HttpResponse:
    """The page, locked in, or as a file; `Missing` where none is kept. The caller has checked who asks."""
    report = run.k6_reports.filter(instance=instance).first()
    if report is None:
        raise Missing(_("There is no such report of k6 with this run."))
    response = seal(HttpResponse(report.html, content_type="text/html; charset=utf-8"))
    if download:
        name = f"run-{run.pk}-k6-report-{instance}.html"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
