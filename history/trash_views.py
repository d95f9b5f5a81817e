"""Deleting runs after the dialog asked, and bringing them back."""

from collections.abc import Iterable

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from history import trash
from history.run_list import chosen_runs
from projects.access import require_user


@require_safe
def ask(request: HttpRequest) -> HttpResponse:
    """The body of the dialog: how many of the ticked runs would be deleted, and what stays. `?runs=7&runs=9&next=`."""
    choice = trash.sort_out(require_user(request), chosen_runs(request.GET))
    context = {"choice": choice, "stays": left_out(choice), "hours": settings.METRICVAULT_TRASH_HOURS}
    context["next"] = request.GET.get("next", "")
    return render(request, "history/delete_ask.html", context)


@require_POST
def delete(request: HttpRequest) -> HttpResponse:
    """Deletes the ticked runs; back to the list, with the way back in a toast."""
    deleted = trash.delete_many(require_user(request), chosen_runs(request.POST), timezone.now())
    if deleted.runs:
        undo = {"runs": deleted.runs, "text": _said(deleted)}
        messages.success(request, mark_safe(render_to_string("history/undo.html", undo, request)))  # noqa: S308  # nosec B308  # escaped there
    else:
        messages.error(request, " ".join([_("Nothing was deleted."), *left_out(deleted)]))
    return redirect(_next(request))


@require_POST
def restore(request: HttpRequest) -> HttpResponse:
    """Brings the ticked runs back from the trash."""
    count = trash.restore_many(require_user(request), chosen_runs(request.POST), timezone.now())
    if count:
        words = ngettext("%(count)s run is back.", "%(count)s runs are back.", count)
        messages.success(request, words % {"count": count})
    else:
        messages.error(request, _("There is nothing left to bring back."))
    if request.htmx:  # type: ignore[attr-defined]  # django-htmx's middleware puts it there
        return HttpResponseClientRefresh()
    return redirect(_next(request))


def left_out(choice: trash.Choice) -> list[str]:
    """A sentence for each reason for which runs stay."""
    sentences: Iterable[tuple[int, str]] = (
        (choice.active, ngettext("%(count)s active run stays.", "%(count)s active runs stay.", choice.active)),
        (choice.pinned, ngettext("%(count)s pinned run stays.", "%(count)s pinned runs stay.", choice.pinned)),
        (
            choice.foreign,
            ngettext(
                "%(count)s run stays that you may only look at.",
                "%(count)s runs stay that you may only look at.",
                choice.foreign,
            ),
        ),
    )
    return [words % {"count": count} for count, words in sentences if count]


def _said(deleted: trash.Choice) -> str:
    count = len(deleted.runs)
    words = ngettext("%(count)s run is deleted.", "%(count)s runs are deleted.", count) % {"count": count}
    return " ".join([words, *left_out(deleted)])


def _next(request: HttpRequest) -> str:
    """The page to go back to, if it is one of ours."""
    asked = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(asked, {request.get_host()}, require_https=request.is_secure())
    return asked if asked and ours else reverse("history:list")
