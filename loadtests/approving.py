"""Requests to load a host that is not allowed yet, and what administrators decide: waiting ──► approved or denied.

Approving adds the rule to the project's own list. Where the project had none, the list begins with `+`: all that is set
for everybody stays allowed, as it is and as it will be.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from loadtests.guard import limits_of
from loadtests.models import LoadLimits, TargetRequest
from loadtests.reaching import askable, is_metadata
from metricvault.lib.errors import Conflict, Detail, Refused, TooMany
from metricvault.lib.targets import INHERITED, asked_rule, is_allowed, target_of
from projects.audit import Action, record
from projects.models import Project

MOST_WAITING = 20  # of one project
LONGEST_RULE, LONGEST_TEXT = 300, 500
State = TargetRequest.State


@dataclass(frozen=True, slots=True)
class WayOut:
    """A host that can be asked for, or `waits`: that was asked for already."""

    host: str
    waits: bool


def ask(project: Project, user: User, rule: str, reason: str) -> TargetRequest:
    """A request for a host: `api.example.com`, with `:port`, or `*.example.com`; an address stands for its host.

    Raises `Refused` by field (`rule`, `reason`), `TooMany` where enough of the project wait already."""
    reason = " ".join(reason.replace("\x00", "").split())
    found, problem = _read(rule, project)
    details = [Detail("rule", problem)] if problem else []
    if not reason:
        details.append(Detail("reason", _("Write what the host is loaded for: an administrator decides by that.")))
    if len(reason) > LONGEST_TEXT:
        details.append(Detail("reason", _("Write at most %(most)s characters.") % {"most": LONGEST_TEXT}))
    if details:
        raise Refused(details[0].message, details)
    waiting = TargetRequest.objects.filter(project=project, state=State.WAITING)
    if waiting.count() >= MOST_WAITING:
        message = _("%(count)s requests of this project wait for an answer. Wait for some of them.")
        raise TooMany(message % {"count": MOST_WAITING})
    try:
        with transaction.atomic():
            row = TargetRequest.objects.create(project=project, rule=found, reason=reason, asked_by=user)
            record(Action.ASKED, row, detail=reason)
    except IntegrityError:
        message = _("Somebody has asked for %(host)s already. An administrator will decide.") % {"host": found}
        raise Refused(message, [Detail("rule", message)]) from None
    return row


def ways_out(problems: Iterable[Detail], project_id: int) -> list[WayOut]:
    """For each host that keeps a plan from running and could be allowed, once."""
    hosts = askable(problems)
    rows = TargetRequest.objects.filter(project=project_id, state=State.WAITING, rule__in=hosts) if hosts else ()
    waiting = {row.rule for row in rows}
    return [WayOut(host, host in waiting) for host in hosts]


def _read(text: str, project: Project) -> tuple[str, str]:
    """The rule that is asked for, or why it is none."""
    try:
        rule = asked_rule(text)
        target = None if rule.startswith("*.") else target_of(f"http://{rule}/")
    except ValueError:
        return "", _("Write a host, such as api.example.com, api.example.com:8443 or *.example.com.")
    if len(rule) > LONGEST_RULE:
        return "", _("Write at most %(most)s characters.") % {"most": LONGEST_RULE}
    if target is not None and is_metadata(target):
        message = _("%(host)s is never loaded: clouds keep the keys of their machines there.")
        return "", message % {"host": target.text}
    rules = limits_of(project).allowed_targets
    if rule in rules or (target is not None and is_allowed(target, rules)):
        return "", _("%(host)s may be loaded already.") % {"host": rule}
    return rule, ""


def approve(row: TargetRequest, user: User, answer: str, now: datetime) -> None:
    """From now on the project may load the host. Raises `Conflict` where it is decided already."""
    with transaction.atomic():
        _decide(row, State.APPROVED, user, answer, now)
        LoadLimits.objects.get_or_create(project=row.project)
        own = LoadLimits.objects.select_for_update().get(project=row.project)
        before = list(own.allowed_targets)
        own.allowed_targets = list(dict.fromkeys([*(before or [INHERITED]), row.rule]))
        own.save(update_fields=["allowed_targets"])
        lists = {"allowed_targets": before}, {"allowed_targets": own.allowed_targets}
        record(Action.APPROVED, row, before=lists[0], after=lists[1], detail=row.answer, actor=user)


def deny(row: TargetRequest, user: User, answer: str, now: datetime) -> None:
    """Says no, with the reason. Raises `Conflict` where it is decided already, `Refused` without a reason."""
    if not answer.strip():
        message = _("Write why the host may not be loaded: it is all that the person gets.")
        raise Refused(message, [Detail("answer", message)])
    with transaction.atomic():
        _decide(row, State.DENIED, user, answer, now)
        record(Action.DENIED, row, detail=row.answer, actor=user)


def _decide(row: TargetRequest, state: State, user: User, answer: str, now: datetime) -> None:
    text = " ".join(answer.replace("\x00", "").split())[:LONGEST_TEXT]
    waiting = TargetRequest.objects.filter(pk=row.pk, state=State.WAITING)
    if not waiting.update(state=state, decided_by=user, decided_at=now, answer=text):
        raise Conflict(_("This request is decided already."))
    row.refresh_from_db()
