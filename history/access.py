"""Which runs a person may see: those of the projects they may see."""

from collections.abc import Collection

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from history.models import TestHistory
from history.states import ACTIVE
from metricvault.lib.errors import Missing, NotAllowed
from projects.access import Person, can_edit, project_scope, sees_everything, visible_projects


def visible_runs(user: Person) -> QuerySet[TestHistory]:
    """The runs `user` may see, without those that were deleted."""
    runs = TestHistory.objects.filter(deleted_at=None)
    if isinstance(user, User) and user.is_superuser and sees_everything(user):
        return runs
    # Not by a join: a database finds the projects first, then goes through runs in the list's order (`run_by_list`).
    return runs.filter(project__in=visible_projects(user).order_by().values("pk"))


def active_runs(user: Person) -> QuerySet[TestHistory]:
    """The runs `user` may see that wait, run or collect. None of them is deleted, so that is not asked: states have an
    index of their own."""
    return TestHistory.objects.filter(project_scope(user, "project__"), status__in=ACTIVE)


def get_run(
    user: Person, pk: int, *, related: Collection[str] = ("project", "plan"), without: Collection[str] = ()
) -> TestHistory:
    """The run, or `Missing`: a stranger learns nothing of it. `related`: what is read along with it; `without`: heavy
    columns that are not."""
    runs = visible_runs(user).filter(pk=pk).order_by()
    run = runs.select_related(*related).defer(*without).first()
    if run is None:
        raise Missing(_("There is no run %(id)s.") % {"id": pk})
    return run


def get_editable_run(user: Person, pk: int) -> TestHistory:
    """The run if `user` may stop or change it; `NotAllowed` for a reader, `Missing` for a stranger."""
    run = get_run(user, pk)
    if not can_edit(user, run.project):
        raise NotAllowed(_("You may look at this run, but not change it."))
    return run
