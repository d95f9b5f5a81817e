"""The form of what concerns a plan as a whole: title, environment, data files, targets, HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from loadtests.fields import duration_text
from loadtests.form_fields import Field, Notes
from loadtests.models import Plan
from loadtests.payload import OptionsIn
from loadtests.runners import KUBERNETES
from loadtests.scenario_form import percentile_field
from projects.models import DataFile

_HTTP = OptionsIn()


@dataclass(frozen=True, slots=True)
class PlanForm:
    """Everything of a plan that can be changed, apart from its scenarios."""

    about: tuple[Field, ...]
    environment: Field
    data: tuple[Field, ...]
    targets: tuple[Field, ...]
    http: tuple[Field, ...]
    generators: Field | None
    dashboard: Field
    http_opened: bool

    def fields(self) -> Iterator[Field]:
        """All fields, whose notes follow each change."""
        yield from (*self.about, self.environment, *self.data, *self.targets, *self.http, self.dashboard)
        if self.generators:
            yield self.generators


def plan_form(plan: Plan, notes: Notes, pods: str) -> PlanForm:
    """The form with each problem at its field. `pods`: what comes of the number of load generators, in words."""
    own = _Fields(plan, notes)
    http = tuple(own.http())
    return PlanForm(
        about=tuple(own.about()),
        environment=own.environment(),
        data=tuple(own.data()),
        targets=tuple(own.targets()),
        http=http,
        generators=own.generators(pods),
        dashboard=own.dashboard(),
        http_opened=bool(plan.options.get("http")) or any(one.problem for one in http),
    )


class _Fields:
    def __init__(self, plan: Plan, notes: Notes) -> None:
        self._plan = plan
        self._notes = notes

    def _field(self, name: str, label: str, value: Any, at: str = "", **more: Any) -> Field:
        key = "f-plan-" + name.replace(".", "-").replace("_", "-")
        return self._notes.field(name, label, value, at, **{"id": key, **more})

    def about(self) -> Iterator[Field]:
        """What it is called, and what for."""
        yield self._field("title", _("Title"), self._plan.title, id="f-title")
        yield self._field(
            "description", _("Description"), self._plan.description, kind="area", rows=2, id="f-description"
        )

    def environment(self) -> Field:
        """Where requests go, and as whom."""
        found = [(str(one.pk), one.name) for one in self._plan.project.environments.all()]
        hint = _("Base URL, headers, variables and credentials of the requests.")
        choices = (("", _("As the API's document says")), *found)
        return self._field("environment_id", _("Environment"), self._plan.environment_id, kind="select",
                           choices=choices, hint=hint)  # fmt: skip

    def data(self) -> Iterator[Field]:
        """How the rows of each data file are chosen."""
        modes = (
            ("sequential", _("One after the other")),
            ("random", _("At random")),
            ("unique", _("Each row once in the run")),
            ("user", _("One for each user")),
        )
        kept = self._plan.options.get("data", {})
        files = DataFile.objects.filter(project=self._plan.project_id, replaced_at=None)
        for file in files.only("name", "columns", "row_count", "file_name").order_by("name"):
            columns = ", ".join("{{" + f"{file.name}.{column}" + "}}" for column in file.columns[:4])
            words = {"rows": f"{file.row_count:,}", "columns": columns}
            hint = _("%(rows)s rows: %(columns)s") % words
            label = _("Rows of “%(name)s”") % {"name": file.name}
            yield self._field(f"data.{file.name}", label, kept.get(file.name, "sequential"), kind="select",
                              choices=modes, hint=hint)  # fmt: skip

    def targets(self) -> Iterator[Field]:
        """What the run as a whole has to keep."""
        plan, empty = self._plan, _("For all scenarios together. Empty: no target.")
        yield percentile_field(self._notes, plan.response_time_percentile, id="f-plan-percentile")
        yield self._field(
            "response_time_target", _("Response time at most"), plan.response_time_target, unit="ms", hint=empty
        )
        yield self._field("error_rate_target", _("Error rate at most"), plan.error_rate_target, unit="%", hint=empty)
        yield self._field("target_tps", _("Throughput at least"), plan.target_tps, unit="req/s", hint=empty, id="f-tps")
        after = "" if plan.abort_after is None else duration_text(plan.abort_after)
        hint = _("Ends the run when a target has been missed that long, such as 30s. Empty: it goes on.")
        yield self._field("abort_after", _("Stop after missing a target for"), after, hint=hint)

    def http(self) -> Iterator[Field]:
        """HTTP as k6 speaks it."""
        kept = {**_HTTP.model_dump(), **self._plan.options.get("http", {})}

        def option(name: str, label: str, value: Any, hint: str, **more: Any) -> Field:
            return self._field(f"http.{name}", label, value, f"options.{name}", hint=hint, **more)

        reuse = (
            ("keep", _("Kept by each user")),
            ("iteration", _("New for each iteration")),
            ("request", _("New for each request")),
        )
        cookies = (
            ("iteration", _("Forgotten after each iteration")),
            ("user", _("Kept by each user")),
            ("none", _("Never sent")),
        )
        yield option("timeout", _("Timeout of a request"), duration_text(kept["timeout"]), _("Then it has failed."))
        yield option("max_redirects", _("Redirects followed"), kept["max_redirects"], _("0: none."))
        yield option("reuse", _("Connections"), kept["reuse"], "", kind="select", choices=reuse)
        yield option("cookies", _("Cookies"), kept["cookies"], "", kind="select", choices=cookies)
        yield option("batch", _("Requests at once"), kept["batch"], _("Of a scenario that sends its steps at once."))
        yield option("verify_tls", _("Check TLS certificates"), kept["verify_tls"], "", kind="check")
        yield option("http2", _("HTTP/2 where the server speaks it"), kept["http2"], "", kind="check")

    def generators(self, pods: str) -> Field | None:
        """How many load generators share the load; only where there can be several."""
        label, plan = _("Load generators"), self._plan
        found = self._field("generators", label, plan.generators, unit=_("pods"), hint=pods, id="f-generators")
        return found if settings.METRICVAULT_RUNNER == KUBERNETES or found.problem else None

    def dashboard(self) -> Field:
        """Whether k6's own report is kept."""
        wanted = settings.METRICVAULT_K6_DASHBOARD if self._plan.k6_dashboard is None else self._plan.k6_dashboard
        hint = _(
            "k6's web dashboard can be opened while the load runs, and its report is kept with the result. "
            "It costs k6 some of its speed, the more the longer the run."
        )
        return self._field(
            "k6_dashboard", _("Keep k6's own report"), wanted, kind="check", hint=hint, id="f-k6-dashboard"
        )
