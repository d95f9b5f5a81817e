"""The secrets of a run's environment, for the environment of its k6: read when it is launched, kept nowhere."""

from django.utils.translation import gettext as _

from loadtests.k6.plan import RunPlan
from metricvault.lib.errors import Conflict
from projects.environments import secret_values
from projects.models import Environment


class SecretsMissing(Conflict):
    """What a plan was made with is no longer kept."""


def environment_of(plan: RunPlan) -> dict[str, str]:
    """The variables of k6's environment that the script reads secrets from. {} without any.

    Raises `SecretsMissing` where the environment, or a secret of it, is gone since the plan was made, and
    `projects.environments.SecretsUnreadable` where its key is. No message quotes a secret.
    """
    if not plan.secrets:
        return {}
    environment = Environment.objects.filter(pk=plan.environment or 0).first()
    if environment is None:
        raise SecretsMissing(_("The environment of this plan is deleted, and its secrets with it. Choose another one."))
    values = secret_values(environment)
    gone = sorted(secret.reference for secret in plan.secrets if secret.reference not in values)
    if gone:
        message = _("Environment “%(name)s” no longer has these secrets: %(secrets)s. Build the plan again.")
        raise SecretsMissing(message % {"name": environment.name, "secrets": ", ".join(gone)})
    return {secret.variable: values[secret.reference] for secret in plan.secrets}
