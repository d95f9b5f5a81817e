"""How long the audit is kept: METRICVAULT_AUDIT_DAYS, and that something was forgotten is an entry itself."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from projects import audit
from projects.models import AuditEntry

AT_ONCE = 20_000  # entries a call


def forget_old(now: datetime) -> int:
    """Deletes the oldest entries that are older than the settings say; answers how many. Called every hour; each call
    takes a bounded part."""
    if not settings.METRICVAULT_AUDIT_DAYS:
        return 0
    limit = now - timedelta(days=settings.METRICVAULT_AUDIT_DAYS)
    with transaction.atomic():
        count = AuditEntry.objects.forget_before(limit, AT_ONCE)
        if count:
            words = ngettext("%(count)s entry of the audit", "%(count)s entries of the audit", count)
            older = _("%(what)s from before %(day)s") % {"what": words % {"count": f"{count:,}"}, "day": limit.date()}
            audit.record(audit.Action.DELETED, detail=older)
    return count
