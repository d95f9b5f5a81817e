"""Celery tasks of history."""

from celery import shared_task
from django.utils import timezone

from history import retention, trash


@shared_task
def forget_old() -> None:
    """Forgets what is older than the settings say, and what was deleted long enough ago."""
    now = timezone.now()
    trash.forget_deleted(now)
    retention.forget_old(now)
