"""Celery tasks of history."""

from celery import shared_task
from django.utils import timezone

from history import retention


@shared_task
def forget_old() -> None:
    """Forgets what is older than the settings say."""
    retention.forget_old(timezone.now())
