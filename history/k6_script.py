"""The k6 script of a run as a file."""

from django.http import HttpResponse
from django.utils.text import slugify

from history.models import TestHistory
from projects import audit


def k6_script(run: TestHistory) -> HttpResponse:
    """As it ran, with the plan inside."""
    name = run.k6_script_file_name or f"{slugify(run.title) or 'run'}-{run.pk}.js"
    headers = {"Content-Disposition": f'attachment; filename="{name.rsplit("/", 1)[-1]}"'}
    audit.record(audit.Action.EXPORTED, run, detail="k6")
    return HttpResponse(run.script, content_type="text/javascript; charset=utf-8", headers=headers)
