"""What every page's frame shows."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from history.models import TestHistory
from history.states import ACTIVE
from projects.access import project_scope


def live_runs(request: HttpRequest) -> dict[str, object]:
    """`live_run_count` of runs the person may see (asked for only where it is shown) and `open_access`."""

    def running() -> int:
        user = getattr(request, "user", None)
        if user is None or not user.is_authenticated:
            return 0
        return TestHistory.objects.filter(
            project_scope(user, "project__"), status__in=ACTIVE
        ).count()  # none is deleted

    return {"live_run_count": SimpleLazyObject(running), "open_access": settings.METRICVAULT_OPEN_ACCESS}
