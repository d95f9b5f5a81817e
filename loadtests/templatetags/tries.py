"""What a plan's last try said, wherever a page asks before it runs."""

from dataclasses import dataclass

from django import template

from history.reasons import explain
from loadtests import trying
from loadtests.models import Plan, Try

register = template.Library()


@dataclass(frozen=True, slots=True)
class LastTry:
    """`failed` with the sentence why; `changed`: the plan is another one since then."""

    failed: bool
    message: str
    changed: bool


@register.simple_tag
def last_try(plan: Plan) -> LastTry | None:
    """None where the plan was never tried to the end."""
    row = trying.last(plan)
    if row is None:
        return None
    said = explain([row.message] if row.message else [])
    failed = row.state == Try.State.FAILED
    return LastTry(failed, said[0]["message"] if said else "", plan.updated_at > row.created_at)
