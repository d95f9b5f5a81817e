"""Which runs a person may see: those of the projects they may see."""

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from history.models import TestHistory
from metricvault.lib.errors import Missing, NotAllowed
from projects.access import Person, can_edit, project_scope


def visible_runs(user: Person) -> QuerySet[TestHistory]:
    """The runs `user` may see, without those that were deleted."""
    return TestHistory.objects.filter(project_scope(user, "project__"), deleted_at=None)


def get_run(user: Person, pk: int) -> TestHistory:
    """The run, or `Missing`: a stranger learns nothing of it."""
    run = visible_runs(user).select_related("project", "plan").filter(pk=pk).first()
    if run is None:
        raise Missing(_("There is no run %(id)s.") % {"id": pk})
    return run


def get_editable_run(user: Person, pk: int) -> TestHistory:
    """The run if `user` may stop or change it; `NotAllowed` for a reader, `Missing` for a stranger."""
    run = get_run(user, pk)
    if not can_edit(user, run.project):
        raise NotAllowed(_("You may look at this run, but not change it."))
    return run
