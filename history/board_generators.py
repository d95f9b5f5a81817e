"""The load generators of a run as its pages show them."""

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy

from history.models import TestHistory
from history.reasons import explain


class GeneratorRow:
    """A load generator as the page shows it: `kind` is the colour and `shape` the shape of its `state`, in words."""

    _SHOWN: ClassVar[dict[str, tuple[str, str, Any]]] = {
        "waiting": ("", "none", gettext_lazy("Waits")),
        "ready": ("", "none", gettext_lazy("Ready")),
        "running": ("passed", "passed", gettext_lazy("Sends load")),
        "finished": ("passed", "passed", gettext_lazy("Finished")),
        "lost": ("missed", "missed", gettext_lazy("Lost")),
    }

    def __init__(self, row: dict[str, Any]) -> None:
        self.instance, self.name, self.node = row["instance"], row["name"], row["node"]
        self.restarts, self.exit_code = row["restarts"], row["exit_code"]
        self.cpu, self.cpu_limit, self.memory = row.get("cpu"), row.get("cpu_limit"), row.get("memory")
        self.kind, self.shape, self.state = self._SHOWN[row["phase"]]
        said = next(iter(explain([row["trouble"]])), None) if row.get("trouble") else None
        self.code = said["code"] if said else ""
        self.message, self.event = (said["message"], said["detail"]) if said else ("", "")


def _rows(run: TestHistory) -> list[GeneratorRow]:
    """What is wrong with several pods in the same way is said once, at the first."""
    said: set[tuple[str, str]] = set()
    rows = [GeneratorRow(row) for row in run.generators]
    for row in rows:
        same = (row.code, row.event)
        if same in said:
            row.message = row.event = ""
        said.add(same)
    return rows


def generators(run: TestHistory) -> dict[str, Any]:
    """The pods of a run on a cluster; `spread`: milliseconds between the first and the last that began."""
    starts = [row["started"] for row in run.generators if row.get("started") is not None]
    return {
        "on_cluster": run.runner not in ("local", "import"),
        "generators": _rows(run),
        "wanted": int(run.plan_snapshot.get("generators", 1)),
        "ready": sum(row["phase"] not in ("waiting", "lost") for row in run.generators),
        "spread": 1000 * (max(starts) - min(starts)) if len(starts) > 1 else None,
    }
