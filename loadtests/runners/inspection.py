"""Whether k6 takes a script, asked before any load is made: `k6 inspect` reads it and makes its options, no more."""

import json
import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from django.utils.translation import gettext_noop as N_

from loadtests.runners.base import RunnerError

PATIENCE = 60.0  # seconds; large data files are read in full
_MESSAGE = re.compile(r'msg="((?:[^"\\]|\\.)*)"')
_ERROR = re.compile(r'error="((?:[^"\\]|\\.)*)"')
_LONGEST = 500


class ScriptRefused(RunnerError):
    """k6 does not take the script."""

    def __init__(self, reason: str) -> None:
        super().__init__(N_("k6 does not take the script: %(reason)s"), permanent=True, reason=reason)


def inspect(k6: str, script: str, files: Mapping[str, str], folder: Path | None = None) -> None:
    """Raises `ScriptRefused` with k6's own words where it does not take the script; a passing `RunnerError` where it
    cannot be asked. `files`: what lies beside the script, by bare name. `folder`: where to write both for the time."""
    with tempfile.TemporaryDirectory(prefix="inspect-", dir=folder) as name:
        place = Path(name)
        try:
            for file, text in {**files, "script.js": script}.items():
                (place / Path(file).name).write_text(text, encoding="utf-8")
            done = _asked(k6, place)
        except OSError as error:
            message = N_("k6 could not be started: %(reason)s.")
            raise RunnerError(message, permanent=False, reason=error.strerror or type(error).__name__) from error
        except subprocess.TimeoutExpired as error:
            message = N_("k6 did not say within %(seconds)s s whether it takes the script.")
            raise RunnerError(message, permanent=False, seconds=f"{PATIENCE:g}") from error
    if done.returncode:
        reason = _reason(done.stderr).replace(f"file://{place}/", "").replace(f"{place}/", "")
        raise ScriptRefused(reason)


def _asked(k6: str, place: Path) -> subprocess.CompletedProcess[str]:
    """Nothing of this process reaches k6: secrets are not needed to read a script. Without the execution requirements
    k6 would read the options without checking them; one generator's part stands for the others'."""
    options = ("--execution-requirements", "--include-system-env-vars=false", "--env", "GENERATOR=0")
    return subprocess.run(
        [k6, "inspect", *options, str(place / "script.js")],
        env={"HOME": str(place), "K6_AUTO_EXTENSION_RESOLUTION": "false", "K6_NO_USAGE_REPORT": "true"},
        cwd=place,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=PATIENCE,
        check=False,
    )


def _reason(log: str) -> str:
    """The error that k6 logged, as one line."""
    found = _ERROR.search(log) or _MESSAGE.search(log)
    if found is None:
        text = log
    else:
        try:
            text = json.loads(f'"{found[1]}"')
        except ValueError:
            text = found[1]
    return " ".join(text.split())[:_LONGEST]
