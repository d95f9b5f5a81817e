"""What a runner needs to make the load of a run, or of a try: script, data, secrets, and how k6 is called."""

from django.conf import settings
from django.utils.translation import gettext as _

from history.models import TestHistory
from loadtests.k6.command import local_command, pod_command
from loadtests.k6.dashboard import dashboard_environment
from loadtests.k6.plan import RunPlan
from loadtests.k6.plan_json import from_json
from loadtests.models import GeneratorSettings
from loadtests.runners import KUBERNETES, LaunchSpec
from loadtests.secrets import environment_of
from loadtests.surroundings import secrets_of
from metricvault.lib.errors import Conflict
from projects.data_files import table_json
from projects.models import DataFile

_LATE = 600.0  # seconds after the longest time of a run at which the cluster ends a Job that everybody has forgotten


def run_spec(run: TestHistory) -> LaunchSpec:
    """The load of a run. Raises `Conflict` where secrets or data that its plan was made with are gone."""
    address, plan = f"{settings.METRICVAULT_INGEST_URL}/ingest/{run.pk}", from_json(run.plan_snapshot)
    on_cluster = run.runner == KUBERNETES
    if on_cluster:
        arguments, environment = pod_command(str(run.pk), f"{address}/write", run.ingest_token, plan)
    else:
        arguments, environment = local_command(str(run.pk), "1", f"{address}/write", run.ingest_token, plan)
    secrets = environment_of(plan)
    if plan.tokens:
        environment |= {"MV_TOKEN_URL": f"{address}/token", "MV_TOKEN_BEARER": run.ingest_token}
        # The product fetches the tokens: what they are fetched with stays here.
        used = {name for scenario in plan.scenarios for step in scenario.steps for name in secrets_of(step)}
        secrets = {name: value for name, value in secrets.items() if name in used}
    return LaunchSpec(
        run.job_name,
        run.k6_script_file_name,
        run.script,
        arguments,
        {**environment, **secrets, **dashboard_environment(plan, pod=on_cluster)},
        run=str(run.pk),
        generators=plan.generators,
        longest=settings.SCHEDULER_JOB_TIMEOUT_HOURS * 3600 + settings.METRICVAULT_POD_READY_SECONDS + _LATE,
        placement=GeneratorSettings.placement_of(run.project_id),
        files=data_of(plan),
    )


def data_of(plan: RunPlan) -> dict[str, str]:
    """The files beside the script: the rows of the plan's tables. Raises `Conflict` where one is gone."""
    rows = {row.pk: row for row in DataFile.objects.filter(pk__in=[table.key for table in plan.tables])}
    gone = sorted(table.name for table in plan.tables if table.key not in rows)
    if gone:
        message = _("These data files are deleted: %(names)s. Upload them again, and choose them in the plan.")
        raise Conflict(message % {"names": ", ".join(gone)})
    return {table.file: table_json(rows[table.key]) for table in plan.tables}
