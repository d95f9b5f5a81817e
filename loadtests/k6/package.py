"""A plan as a folder that runs with plain `k6 run`, zipped: script, data, what to know. Same plan, same bytes. Pure.

Nothing in it is a secret.
"""

import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import replace

from loadtests.k6.plan import RunPlan, TokenPlan
from loadtests.k6.script import build_script

SCRIPT, README = "script.js", "README.txt"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip knows


def build_package(plan: RunPlan, data: Mapping[str, str]) -> bytes:
    """The zip. `data`: the texts beside the script by the `file` of their tables (`loadtests.load_spec.data_of`);
    KeyError where one is missing. One k6 makes the whole load, whatever the plan says of generators."""
    alone = replace(
        plan, run="", generators=1, tables=tuple(replace(one, file=f"data/{one.file}") for one in plan.tables)
    )
    files = {f"data/{table.file}": data[table.file] for table in plan.tables}
    files = {SCRIPT: build_script(alone, by_hand=True), **files, README: _readme(plan)}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, text.encode("utf-8", "replace"), zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _readme(plan: RunPlan) -> str:
    variables = {secret.variable: secret.reference for secret in plan.secrets}
    # A space before the line's end would be the beginning of another argument.
    flags = "".join(f' \\\n      -e {name}="${name}"' for name in variables)
    lines = [
        _plain(plan.title) or "Load test",
        "",
        "Written by Metric Vault, for k6 1.1.0 or newer (https://k6.io). In this folder:",
        "",
        f"    k6 run{flags} {SCRIPT}" if not flags else f"    k6 run{flags} \\\n      {SCRIPT}",
        "",
        *_scenarios(plan),
    ]
    if variables:
        lines += ["", "The script holds no secrets. It takes them from these variables of its environment:", ""]
        lines += [f"    {name}  {_plain(reference)}" for name, reference in variables.items()]
        lines += ["", "k6 also reads them straight from the environment of your shell, without -e."]
    if plan.tokens:
        lines += ["", "Each virtual user fetches its own access token, and a new one before it expires:", ""]
        lines += [f"    {_token(token)}" for token in plan.tokens]
    if plan.tables:
        lines += ["", "Data, a list of rows in JSON each:", ""]
        lines += [f"    data/{table.file}  {_plain(', '.join(table.columns))} ({table.mode})" for table in plan.tables]
    if not plan.options.http2:
        lines += ["", "HTTP/1.1 only: set GODEBUG=http2client=0 in the environment of k6."]
    if plan.generators > 1:
        lines += [
            "",
            f"Metric Vault spreads this load over {plan.generators} load generators; here one makes all of it.",
        ]
    return "\n".join([*lines, ""])


def _scenarios(plan: RunPlan) -> Iterable[str]:
    yield "Scenarios:"
    yield ""
    for scenario in plan.scenarios:
        yield f"    {scenario.tag}  {_plain(scenario.name)}: {scenario.executor}"
        for step in scenario.steps:
            yield f"        {step.request.name}"


def _token(token: TokenPlan) -> str:
    return f"{_plain(token.key)}: {token.grant} at {_plain(token.url)}"


def _plain(text: str) -> str:
    """Text of a person on a line of its own."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
