"""What the audit is told of environments: names of what they put into requests, and of what changed; no value of it,
for what is no secret to the product may be one to the people who typed it."""

from dataclasses import dataclass
from typing import Any

from projects import audit
from projects.environments import SecretsUnreadable, unsealed
from projects.models import Environment


@dataclass(frozen=True, slots=True)
class State:
    """An environment at one moment: `told` may be written down; `values` by their names are for comparing only."""

    told: dict[str, Any]
    values: dict[str, Any]


NOTHING = State({}, {})


def state_of(environment: Environment) -> State:
    """How it is now."""
    told = {
        "name": environment.name,
        "base_url": environment.base_url,
        "headers": [one["name"] for one in environment.headers],
        "variables": [one["name"] for one in environment.variables if not one["secret"]],
        "sealed variables": [one["name"] for one in environment.variables if one["secret"]],
        "logins": [f"{one['scheme']} ({one['kind']})" for one in environment.credentials],
    }
    try:
        hidden = unsealed(environment)
    except SecretsUnreadable:
        hidden = {}
    values: dict[str, Any] = {f"header {one['name']}": one["value"] for one in environment.headers}
    values |= {f"variable {one['name']}": one["value"] for one in environment.variables if not one["secret"]}
    values |= {f"login {one['scheme']}": one for one in environment.credentials}
    values |= {name.replace(":", " ", 1): value for name, value in hidden.items()}
    return State(told, values)


def record_kept(before: State, environment: Environment) -> None:
    """It was made (`before` is NOTHING) or changed; nothing is recorded where it is as it was."""
    now = state_of(environment)
    if before is NOTHING:
        audit.record(audit.Action.CREATED, environment, after=now.told)
        return
    both = before.values.keys() & now.values.keys()
    other = sorted(name for name in both if before.values[name] != now.values[name])
    audit.record_change(environment, before.told, {**now.told, **({"other values": other} if other else {})})


def record_gone(environment: Environment) -> None:
    """It is about to be deleted."""
    audit.record(audit.Action.DELETED, environment, before=state_of(environment).told)
