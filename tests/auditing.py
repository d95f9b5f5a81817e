"""`python -m tests.auditing` (`make audit`): known holes in what is installed, and patterns of trouble in our code.

pip-audit over the pinned files, `npm audit` over the lock file, bandit over our rooms (pyproject.toml says how). The
first two ask the registries' databases of holes; what they could not be asked about is said: silence is no clean
bill. 0: all was looked at and is clean; 1: something was found; 3: nothing was found, but not all could be looked at.
`--code`: bandit alone, which asks nobody (.ci/run; each day ruff looks for the same by its rules S).
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FILES = ("requirements.txt", "requirements-dev.txt", "requirements-node.txt")
ROOMS = ("metricvault", "projects", "history", "loadtests", "demo")
FOUND, NOT_ALL = 1, 3
_PATIENCE = 600.0


@dataclass
class Looked:
    """`found`: a line each; `unseen`: what could not be looked at, and why."""

    what: str
    count: int
    found: list[str]
    unseen: str = ""


def main() -> int:
    """The exit code; a line for each thing looked at."""
    outside = [] if "--code" in sys.argv[1:] else [*(pip_audit(name) for name in FILES), npm_audit()]
    all_of_them = [bandit(), *outside]
    for looked in all_of_them:
        state = "FOUND" if looked.found else "NOT LOOKED AT" if looked.unseen else "ok"
        print(f"{state:<14} {looked.what}: {looked.count} looked at{looked.unseen and '; '}{looked.unseen}")
        for line in looked.found:
            print(f"{'':<14} {line}")
    if any(looked.found for looked in all_of_them):
        return FOUND
    return NOT_ALL if any(looked.unseen for looked in all_of_them) else 0


def pip_audit(name: str) -> Looked:
    """PyPI's own database, by name and version of each pinned package."""
    tool = [str(Path(sys.executable).with_name("pip-audit")), "--requirement", name, "--disable-pip"]
    code, said, problem = _run([*tool, "--format", "json", "--progress-spinner", "off"])
    try:
        packages = json.loads(said)["dependencies"]
    except (ValueError, KeyError):
        return Looked(name, 0, [], problem or f"pip-audit ended with {code}")
    return read_pip_audit(name, packages)


def read_pip_audit(name: str, packages: list[dict[str, Any]]) -> Looked:
    """pip-audit's JSON. A package that its database does not know is skipped there, and was not looked at."""
    skipped = [one for one in packages if "skip_reason" in one]
    found = [
        f"{one['name']} {one['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or 'no version'}"
        for one in packages
        for hole in one.get("vulns", ())
    ]
    unseen = f"{len(skipped)} not ({skipped[0]['skip_reason']} …)" if skipped else ""
    return Looked(name, len(packages) - len(skipped), found, unseen)


def npm_audit() -> Looked:
    """npm's database."""
    npm = shutil.which("npm") or str(Path(sys.executable).with_name("npm"))
    code, said, problem = _run([npm, "audit", "--json"])
    return read_npm_audit(said, problem or f"npm ended with {code}")


def read_npm_audit(said: str, problem: str) -> Looked:
    """npm's JSON: `vulnerabilities` by package, or an error."""
    try:
        answer = json.loads(said)
        holes, count = answer["vulnerabilities"], answer["metadata"]["dependencies"]["total"]
    except (ValueError, KeyError, TypeError):
        return Looked("package-lock.json", 0, [], problem)
    found = [f"{name} {one.get('range', '')}: {one.get('severity', 'unknown')}" for name, one in holes.items()]
    return Looked("package-lock.json", count, found)


def bandit() -> Looked:
    """Our code."""
    tool = [str(Path(sys.executable).with_name("bandit")), "--quiet", "--configfile", "pyproject.toml"]
    code, said, problem = _run([*tool, "--format", "json", "--recursive", *ROOMS])
    try:
        answer = json.loads(said)
    except ValueError:
        return Looked("bandit", 0, [], problem or f"bandit ended with {code}")
    found = [
        f"{one['filename']}:{one['line_number']} {one['test_id']} {one['issue_text']}" for one in answer["results"]
    ]
    files = len(answer["metrics"]) - 1
    unseen = "; ".join(f"{one['filename']}: {one['reason']}" for one in answer["errors"])
    return Looked("our code, bandit", files, found, unseen)


def _run(command: list[str]) -> tuple[int, str, str]:
    """Exit code, what it printed, and the last line of what it complained of."""
    environ = {**os.environ, "NO_COLOR": "1"}
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=_PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return -1, "", f"{command[0]}: {type(error).__name__}"
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return done.returncode, done.stdout, lines[0][:200] if lines else ""


if __name__ == "__main__":
    sys.exit(main())
