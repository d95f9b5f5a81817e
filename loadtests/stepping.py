"""The steps of scenarios as k6 will make them, with everything that keeps one from being sent."""

from collections.abc import Mapping
from functools import lru_cache

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext as _

from loadtests.k6.paths import read_path
from loadtests.k6.plan import CheckPlan, ExtractPlan, RequestPlan, StepPlan, Text
from loadtests.payload import CheckIn, ExtractIn, ScenarioIn, StepIn
from loadtests.requesting import Place, build_request
from loadtests.surroundings import Surroundings
from metricvault.lib.errors import Detail
from projects.models import Endpoint, Project

# A check as a person reads it.
_SAID = {
    "contains": gettext_noop("the answer contains “%(value)s”"),
    "json": gettext_noop("%(target)s is %(value)s"),
    "has": gettext_noop("header %(target)s is there"),
    "header": gettext_noop("header %(target)s contains “%(value)s”"),
    "size": gettext_noop("at most %(value)s bytes"),
    "time": gettext_noop("within %(value)s ms"),
}


class Steps:
    """Builds the steps of one load test; `problems` and `warnings` gather."""

    def __init__(self, project: Project, endpoints: Mapping[int, Endpoint], around: Surroundings) -> None:
        self._project = project
        self._endpoints = endpoints
        self._around = around
        self.problems: list[Detail] = []
        self.warnings: list[Detail] = []

    def of(self, where: str, scenario: ScenarioIn) -> tuple[StepPlan, ...] | None:
        """The steps of the scenario at `where`, or None where one of them cannot be sent."""
        found: list[StepPlan] = []
        taken: list[str] = []
        asked = scenario.all_steps()
        for below, step in asked:
            at = f"{where}.{below}"
            endpoint = self._endpoint(at, step)
            if endpoint is not None:
                title = scenario.name or step.name or str(endpoint)
                request = build_request(step, endpoint, Place(at, title, tuple(taken)), self._around)
                self.problems += request.problems
                self.warnings += request.warnings
                if request.plan is not None:
                    found.append(self._step(step, request.plan, taken))
            if scenario.batch and step.extracts:
                message = _("Steps that are sent at once cannot take values from each other's answers.")
                self.problems.append(Detail(f"{at}extracts", message))
            taken += [one.name for one in step.extracts]
        return tuple(found) if len(found) == len(asked) else None

    def _step(self, step: StepIn, request: RequestPlan, taken: list[str]) -> StepPlan:
        return StepPlan(
            name=step.name,
            request=request,
            statuses=tuple(_range(text) for text in step.statuses),
            checks=tuple(_check(one, self._around.text(one.value, "raw", taken)) for one in step.checks),
            extracts=tuple(_extract(one) for one in step.extracts),
            once=step.once,
        )

    def _endpoint(self, at: str, step: StepIn) -> Endpoint | None:
        endpoint = self._endpoints.get(step.endpoint_id)
        if endpoint is None:
            self.problems.append(no_endpoint(at, step.endpoint_id))
        elif endpoint.openapi_spec.project_id != self._project.pk:
            message = _("%(endpoint)s belongs to another project.") % {"endpoint": endpoint}
            self.problems.append(Detail(f"{at}endpoint_id", message))
        elif endpoint.removed_at is not None:
            self.problems.append(_gone(at, endpoint))
        else:
            return endpoint
        return None


def no_endpoint(at: str, key: int) -> Detail:
    """An endpoint that nobody knows, or that this person may not see; `at` as in `scenarios.0.`."""
    message = _("There is no endpoint %(id)s. Import the API document again, or choose another endpoint.")
    return Detail(f"{at}endpoint_id", message % {"id": key})


def _gone(at: str, endpoint: Endpoint) -> Detail:
    """An endpoint that a later version of its document does not describe any more."""
    message = _("%(endpoint)s is gone from “%(document)s” since its import of %(day)s. Choose another endpoint.") % {
        "endpoint": endpoint,
        "document": endpoint.openapi_spec.title,
        "day": date_format(localtime(endpoint.removed_at), "SHORT_DATE_FORMAT"),
    }
    return Detail(f"{at}endpoint_id", message)


def _range(text: str) -> tuple[int, int]:
    low, _dash, high = text.partition("-")
    return int(low), int(high or low)


def _check(one: CheckIn, value: Text) -> CheckPlan:
    return _check_plan(get_language() or "", one.kind, one.target, one.value, value)


@lru_cache(maxsize=4096)
def _check_plan(_language: str, kind: str, target: str, typed: str, value: Text) -> CheckPlan:
    """Kept, because a builder's page makes all checks of a plan anew with each key that is pressed."""
    path = read_path(target) if kind == "json" else ()
    sentence = _SAID["has" if kind == "header" and not typed else kind]
    text = _(sentence) % {"target": target, "value": typed}
    return CheckPlan(kind, target, value, text, path)


def _extract(one: ExtractIn) -> ExtractPlan:
    path = read_path(one.expression) if one.kind == "json" else ()
    return ExtractPlan(one.name, one.kind, one.expression, path)
