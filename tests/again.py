"""Tests that failed are tried once more, one after another, where METRICVAULT_AGAIN=1 (.ci/run sets it).

Tests of real programs on a busy machine meet a race now and then; the second try tells it from a fault. It is named, to
be mended: nothing passes unseen. Where more than a few failed there is no second try.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

MOST = 5
_CACHE = Path(__file__).resolve().parent.parent / ".pytest_cache"


def pytest_code(arguments: Sequence[str], name: str, environ: Mapping[str, str], more: Sequence[str] = ()) -> int:
    """The exit code of pytest with `arguments`, those of `more` (how tests share the machine) the first time only.
    `name`: of its own memory of what failed."""
    cache = _CACHE / name
    command = [sys.executable, "-m", "pytest", "-o", f"cache_dir={cache}", *arguments]
    code = subprocess.run([*command, *more], env=environ, check=False).returncode
    failed = _failed(cache) if code == 1 and os.environ.get("METRICVAULT_AGAIN") == "1" else []
    if not 0 < len(failed) <= MOST:
        return code
    sys.stdout.write("\n".join(["FAILED ONCE, tried again (mend what makes them fail):", *failed, ""]))
    sys.stdout.flush()
    return subprocess.run([*command, "--last-failed"], env=environ, check=False).returncode


def _failed(cache: Path) -> list[str]:
    try:
        return sorted(json.loads((cache / "v" / "cache" / "lastfailed").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return []
