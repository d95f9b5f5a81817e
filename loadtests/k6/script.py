"""A plan as a k6 script: constant JavaScript (skeleton.js) and one line of data. Same plan, same bytes."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from itertools import accumulate
from typing import Any

from loadtests.k6.executors import k6_scenario, tried_scenario
from loadtests.k6.plan import (
    COUNTED,
    CheckPlan,
    ExtractPlan,
    Make,
    OptionsPlan,
    Part,
    RunPlan,
    ScenarioPlan,
    Secret,
    StepPlan,
    TablePlan,
    Take,
    Text,
    Token,
    TokenPlan,
)
from loadtests.k6.thresholds import Rules, is_judged, thresholds

SUMMARY_MARK = "METRICVAULT-SUMMARY "
STEP_MARK = "METRICVAULT-STEP "
OWN_VARIABLES = frozenset({"MV_TOKEN_URL", "MV_TOKEN_BEARER"})

_PLACE = "/*PLAN*/"
_SUMMARY = "\nexport function handleSummary"
# What a reader of the script could take for more than text: markup, line ends that only JavaScript
# knows, halves of a surrogate pair, and the controls that turn the reading direction around.
_MISLEADING = re.compile("<(?=[/!a-zA-Z])|[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_FILE = re.compile(r"(data/)?[A-Za-z0-9][A-Za-z0-9._-]{0,199}\.json")
_VARIABLE = re.compile(r"MV_[A-Z0-9_]+")
_DEFAULTS = OptionsPlan()
Json = dict[str, Any]
Tables = Mapping[str, tuple[int, TablePlan]]  # by name, with its place in the list


def build_script(plan: RunPlan, *, trying: bool = False, by_hand: bool = False) -> str:
    """The whole script of a run. No text of a user becomes JavaScript: it stays inside JSON strings.

    Tables are read from their files beside the script, secrets from k6's environment. `trying`: each scenario once, by
    one user; every request prints what it sent and got, a line of JSON behind `STEP_MARK`. `by_hand`: for people, who
    get k6's own summary instead of ours. ValueError where a file or a variable has a name that no plan gives.
    """
    _check_names(plan)
    tables = {table.name: (position, table) for position, table in enumerate(plan.tables)}
    shares = _shares(plan, tables)
    rules = {} if trying else thresholds(plan)
    data = {
        "run": plan.run,
        "title": plan.title,
        "scenarios": {
            one.tag: tried_scenario(one) if trying else k6_scenario(one, tagged_load=bool(plan.tokens))
            for one in plan.scenarios
        },
        "thresholds": rules,
        **({"generators": plan.generators} if plan.generators > 1 and not trying else {}),
        **({"trying": True} if trying else {}),
        **_http(plan),
        **_reach(plan),
        **({"tables": [_table(table) for table in plan.tables]} if plan.tables else {}),
        **({"tokens": [_token(token) for token in plan.tokens]} if plan.tokens else {}),
        "journeys": [
            {**_journey(one, tables, shares), **({} if trying else _ends(one)), **_errors(one, rules)}
            for one in plan.scenarios
        ],
    }
    skeleton = _skeleton().partition(_SUMMARY)[0] if by_hand else _skeleton()
    return skeleton.replace(_PLACE, f"const PLAN = {_literal(data)};", 1)


def texts(plan: RunPlan) -> Iterator[Text]:
    """All that is filled in while k6 runs."""
    for scenario in plan.scenarios:
        for step in scenario.steps:
            yield from _step_texts(step)
    for token in plan.tokens:
        yield from (token.client_id, token.client_secret, token.username, token.password)


@cache
def _skeleton() -> str:
    return files("loadtests.k6").joinpath("skeleton.js").read_text(encoding="utf-8")


def _literal(data: object) -> str:
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, indent=2)
    return _MISLEADING.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _check_names(plan: RunPlan) -> None:
    for table in plan.tables:
        if not _FILE.fullmatch(table.file):
            raise ValueError(f"{table.file!r} is not a file name.")
    parts = (part for text in texts(plan) if not isinstance(text, str) for part in text)
    used = {part.secret for part in parts if isinstance(part, Secret)}
    for variable in used | {secret.variable for secret in plan.secrets}:
        if not _VARIABLE.fullmatch(variable) or variable in OWN_VARIABLES:
            raise ValueError(f"{variable!r} is not a variable of a secret.")


def _http(plan: RunPlan) -> Json:
    """What differs from k6's own ways: options of the whole script, and parameters of each request."""
    asked = plan.options
    reuse = {"iteration": "noVUConnectionReuse", "request": "noConnectionReuse"}.get(asked.reuse)
    options = {
        **({"maxRedirects": asked.max_redirects} if asked.max_redirects != _DEFAULTS.max_redirects else {}),
        **({} if asked.verify_tls else {"insecureSkipTLSVerify": True}),
        **({reuse: True} if reuse else {}),
        **({"noCookiesReset": True} if asked.cookies == "user" else {}),
    }
    if any(scenario.load.batch for scenario in plan.scenarios):
        options |= {"batch": asked.batch, "batchPerHost": asked.batch}
    found: Json = {"http": options} if options else {}
    if asked.timeout != _DEFAULTS.timeout:
        found["timeout"] = round(asked.timeout * 1000)
    return {**found, **({"cookies": False} if asked.cookies == "none" else {})}


def _reach(plan: RunPlan) -> Json:
    """Of a plan that may not go everywhere: which names are not looked up, and which redirects are followed."""
    if plan.reach is None:
        return {}
    follow = {"most": plan.options.max_redirects, "hosts": list(plan.reach.follow)}
    pinned = [[name, list(found)] for name, found in plan.reach.pinned]
    return {**({"follow": follow} if follow["most"] else {}), **({"pinned": pinned} if pinned else {})}


def _table(table: TablePlan) -> Json:
    return {"name": table.name, "file": table.file, "mode": table.mode}


def _token(token: TokenPlan) -> Json:
    names = ("client_id", "client_secret", "username", "password")
    return {
        "key": token.key,
        "grant": token.grant,
        "url": token.url,
        "scope": token.scope,
        "in_body": token.in_body,
        **{name: _text(getattr(token, name), {}) for name in names},
    }


def _shares(plan: RunPlan, tables: Tables) -> dict[str, list[str]]:
    """Tags of the scenarios that use a table, by the table's name: they share its rows where each may come once."""
    found: dict[str, list[str]] = {}
    for scenario in plan.scenarios:
        for name in sorted(_tables_of(scenario, tables), key=lambda name: tables[name][0]):
            found.setdefault(name, []).append(scenario.tag)
    return found


def _tables_of(scenario: ScenarioPlan, tables: Tables) -> set[str]:
    used = (text for step in scenario.steps for text in _step_texts(step) if not isinstance(text, str))
    takes = (part.take for text in used for part in text if isinstance(part, Take))
    return {column[0] for take in takes if (column := _column(take, tables))}


def _step_texts(step: StepPlan) -> Iterator[Text]:
    yield step.request.url
    yield from (value for _name, value in step.request.headers)
    if step.request.body is not None:
        yield step.request.body
    yield from (check.value for check in step.checks)


def _journey(scenario: ScenarioPlan, tables: Tables, shares: Mapping[str, list[str]]) -> Json:
    rows = []
    for name, tags in shares.items():
        if scenario.tag in tags:
            position, table = tables[name]
            part = {"at": tags.index(scenario.tag), "of": len(tags)} if table.mode == "unique" else {}
            rows.append({"table": position, **part})
    several = len(scenario.steps) > 1
    return {
        "tag": scenario.tag,
        "title": scenario.name,
        "think": round(scenario.think_time, 3),
        **({"start": round(scenario.load.start_time * 1000)} if scenario.load.start_time else {}),
        **({"batch": True} if scenario.load.batch and several else {}),
        **({"rows": rows} if rows else {}),
        "steps": [_step(step, at, tables, several) for at, step in enumerate(scenario.steps)],
    }


def _ends(scenario: ScenarioPlan) -> Json:
    """When each stage ends, in ms since the scenario's start: where there are several, each request bears the number of
    the one in which it is begun."""
    if len(scenario.stages) < 2 or scenario.executor in COUNTED:
        return {}
    return {"ends": list(accumulate(round(stage.duration * 1000) for stage in scenario.stages))}


def _errors(scenario: ScenarioPlan, rules: Rules) -> Json:
    """A sample for each request, of which a threshold needs to know whether it failed in any way."""
    asked = {"mv_errors", f"mv_errors{{scenario_tag:{scenario.tag}}}"} & set(rules)
    return {"errors": True} if asked and is_judged(scenario) else {}


def _step(step: StepPlan, position: int, tables: Tables, several: bool) -> Json:
    request = step.request
    return {
        **({"title": step.name} if step.name else {}),
        # Tags of the scenario hold where it has one step.
        **({"tags": {"name": request.name, "step": str(position + 1)}} if several else {}),
        "method": request.method,
        "url": _text(request.url, tables),
        # Pairs: as keys of an object literal a header named __proto__ would set the prototype.
        "headers": [[name, _text(value, tables)] for name, value in request.headers],
        "body": None if request.body is None else _text(request.body, tables),
        **({"once": True} if step.once else {}),
        **({"statuses": [list(both) for both in step.statuses]} if step.statuses else {}),
        **({"checks": [_check(check, tables) for check in step.checks]} if step.checks else {}),
        **({"extracts": [_extract(extract) for extract in step.extracts]} if step.extracts else {}),
    }


def _check(check: CheckPlan, tables: Tables) -> Json:
    found: Json = {"kind": check.kind, "target": check.target, "value": _text(check.value, tables)}
    return {**found, "path": list(check.path)} if check.kind == "json" else found


def _extract(extract: ExtractPlan) -> Json:
    found: Json = {"kind": extract.kind, "name": extract.name, "expression": extract.expression}
    return {**found, "path": list(extract.path)} if extract.kind == "json" else found


def _text(text: Text, tables: Tables) -> str | list[str | Json]:
    return text if isinstance(text, str) else [_part(part, tables) for part in text]


def _part(part: Part, tables: Tables) -> str | Json:
    if isinstance(part, str):
        return part
    how = {} if part.how == "raw" else {"how": part.how}
    match part:
        case Make():
            return {"make": part.make, "args": list(part.args), **how}
        case Secret():
            return {"secret": part.secret, **how}
        case Token():
            return {"token": part.token, **how}
        case Take():
            if column := _column(part.take, tables):
                name, at = column
                return {"table": tables[name][0], "column": at, **how}
            return {"take": part.take, **how}


def _column(take: str, tables: Tables) -> tuple[str, int] | None:
    """The table and the place of the column that `table.column` names."""
    name, _dot, column = take.partition(".")
    if name in tables and column in tables[name][1].columns:
        return name, tables[name][1].columns.index(column)
    return None
