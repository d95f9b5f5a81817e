"""Takes a value that stands in an answer of a try into a variable of the plan: picked by a click, never typed."""

import re
from typing import Any

from django.utils.translation import gettext as _
from pydantic import ValidationError

from loadtests.editing import touch
from loadtests.k6.paths import read_path
from loadtests.models import Step, Try
from loadtests.payload import MOST_EXTRACTS, ExtractIn
from loadtests.plan_audit import changes_plan
from metricvault.lib.errors import Detail, Missing, Refused

_LONGEST_NAME = 40
_GENERAL = {"id", "uuid", "key", "name", "code", "value", "no", "number"}  # which say little without what they are of

Extract = dict[str, Any]


def step_of(row: Try, at: int) -> Step:
    """The saved step behind the entry `at` of a try's result, or `Missing`."""
    key = row.result[at].get("key") if 0 <= at < len(row.result) else None
    found = Step.objects.select_related("scenario__plan__environment", "endpoint")
    step = found.filter(pk=key or 0, scenario__plan=row.plan_id or 0).first()
    if step is None:
        raise Missing(_("This step is not in the plan any more. Try the plan again."))
    return step


@changes_plan
def take(step: Step, picked: str) -> tuple[Extract, bool]:
    """Adds what was picked (`json:$.items[0].id`, `header:Location`, `cookie:sid`) to what the step takes. Answers the
    extraction, and False where the step had it already. Raises Refused."""
    kind, _colon, expression = picked.partition(":")
    try:
        asked = ExtractIn.model_validate({"name": "value", "kind": kind, "expression": expression})
    except ValidationError:
        asked = None
    if asked is None or asked.kind == "regex":  # which nobody clicks on
        raise _refused(_("Pick a value of the answer."))
    kind, expression = asked.kind, asked.expression
    step = Step.objects.select_for_update().get(pk=step.pk)
    for one in step.extracts:
        if (one.get("kind"), one.get("expression")) == (kind, expression):
            return one, False
    if len(step.extracts) >= MOST_EXTRACTS:
        raise _refused(_("A step takes %(most)s values at most.") % {"most": MOST_EXTRACTS})
    extract = {"name": _free_name(step, proposed_name(step, kind, expression)), "kind": kind, "expression": expression}
    step.extracts = [*step.extracts, extract]
    step.save(update_fields=["extracts"])
    touch(step.scenario.plan)
    return extract, True


def proposed_name(step: Step, kind: str, expression: str) -> str:
    """A name for the variable: the last word of the path, with what it is of where that alone says little. `$.id` of
    POST /orders is order_id, `$.items[0].id` is item_id."""
    words = [word for word in read_path(expression) if isinstance(word, str) and word != "*"] if kind == "json" else []
    name = _plain(words[-1] if words else expression if kind != "json" else "value")
    if name in _GENERAL:
        of = _plain(words[-2]) if len(words) > 1 else _resource(step)
        name = f"{_singular(of)}_{name}" if of else name
    return name[:_LONGEST_NAME].strip("_") or "value"


def _resource(step: Step) -> str:
    """What the step's endpoint is about: the last word of its path that is no parameter."""
    path = step.endpoint.path if step.endpoint else ""
    words = [_plain(word) for word in path.split("/") if word and "{" not in word]
    return words[-1] if words else ""


def _plain(word: str) -> str:
    """camelCase and any signs as snake_case."""
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", word)
    text = re.sub(r"[\W_]+", "_", text.lower()).strip("_")
    return f"v{text}" if text[:1].isdigit() else text


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word


def _free_name(step: Step, name: str) -> str:
    """The name, with a number behind it where another value of the scenario or a variable of the environment has it."""
    steps, environment = Step.objects.filter(scenario=step.scenario_id), step.scenario.plan.environment
    taken = {one.get("name") for other in steps for one in other.extracts}
    taken |= {one["name"] for one in environment.variables} if environment else set()
    number = 2
    found = name
    while found in taken:
        found = f"{name}_{number}"
        number += 1
    return found


def _refused(message: str) -> Refused:
    return Refused(message, [Detail("pick", message)])
