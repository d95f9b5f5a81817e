"""What every page's frame shows."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from history.access import active_runs
from history.models import TestHistory
from history.states import ACTIVE


def live_runs(request: HttpRequest) -> dict[str, object]:
    """`live_run_count` of runs the person may see (asked for only where it is shown) and `open_access`."""

    def running() -> int:
        user = getattr(request, "user", None)
        if user is None or not user.is_authenticated:
            return 0
        # Mostly nothing runs, and then it does not matter whose it would be.
        return active_runs(user).count() if TestHistory.objects.filter(status__in=ACTIVE).exists() else 0

    return {"live_run_count": SimpleLazyObject(running), "open_access": settings.METRICVAULT_OPEN_ACCESS}
