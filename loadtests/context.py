"""What every page's frame shows of load tests."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from loadtests.access import is_administrator
from loadtests.models import TargetRequest


def target_requests(request: HttpRequest) -> dict[str, object]:
    """`waiting_requests`: how many requests for hosts wait for an administrator, who is shown it; 0 for others."""

    def waiting() -> int:
        user = getattr(request, "user", None)
        if user is None or not is_administrator(user):
            return 0
        return TargetRequest.objects.filter(state=TargetRequest.State.WAITING).count()

    return {"waiting_requests": SimpleLazyObject(waiting)}
