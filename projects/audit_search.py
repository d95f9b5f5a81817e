"""Finding entries of the audit: by words, person, action, way, project, kind and days; the newest first.

Pages go by key, not by number, so that the last page of a long audit costs what the first one does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from metricvault.lib.errors import NotAllowed
from projects.access import sees_everything
from projects.models import AuditEntry

ON_A_PAGE = 50
LONGEST = 200
_WORDS = ("actor_name", "token_name", "object_name", "project_title", "detail", "request_id", "address")
_EXACT = ("action", "way", "kind")


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; "" and None leave everything. `before`: only entries older than the one with that key."""

    q: str = ""
    person: str = ""
    action: str = ""
    way: str = ""
    kind: str = ""
    project: int | None = None
    since: date | None = None
    until: date | None = None
    before: int | None = None

    @property
    def narrows(self) -> bool:
        """Whether anything is left out."""
        return self != Search(before=self.before)


def require_administrator(user: User) -> None:
    """`NotAllowed` for whoever may not see the whole audit: all but administrators, without a token for one project."""
    if not (user.is_superuser and sees_everything(user)):
        raise NotAllowed(_("Only administrators see the audit. The audit of a project is on its page, for its owner."))


def read(asked: Mapping[str, str]) -> Search:
    """A search as an address has it; what cannot be read is left out."""

    def word(name: str) -> str:
        return (asked.get(name) or "").replace("\x00", "").strip()[:LONGEST]

    return Search(
        q=word("q"),
        person=word("person"),
        action=word("action"),
        way=word("way"),
        kind=word("kind"),
        project=_key(asked.get("project")),
        since=_day(word("since")),
        until=_day(word("until")),
        before=_key(asked.get("before")),
    )


def _key(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 19 else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def found(search: Search, project: int | None = None) -> QuerySet[AuditEntry]:
    """The entries, the newest first; `project`: of that project alone."""
    rows: QuerySet[AuditEntry] = AuditEntry.objects.order_by("-pk")
    for word in search.q.split():
        rows = rows.filter(_has(word))
    if search.person:
        rows = rows.filter(actor_name=search.person)
    for name in _EXACT:
        if getattr(search, name):
            rows = rows.filter(**{name: getattr(search, name)})
    wanted = [key for key in (project, search.project) if key is not None]
    for key in wanted:
        rows = rows.filter(project=key)
    if search.since:
        rows = rows.filter(at__gte=_midnight(search.since))
    if search.until and search.until < date.max:
        rows = rows.filter(at__lt=_midnight(search.until + timedelta(days=1)))
    return rows.filter(pk__lt=search.before) if search.before is not None else rows


def _has(word: str) -> Q:
    wanted = Q(object_id=word)
    for name in _WORDS:
        wanted |= Q(**{f"{name}__icontains": word})
    return wanted


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))
