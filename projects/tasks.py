"""Celery tasks of documents: each takes a key by name and calls one function."""

from celery import shared_task
from django.utils import timezone

from projects import audit_retention, importing, sessions, signing_in, validation
from projects.sending import send


@shared_task(expires=600)
def carry_out_import(key: int) -> None:
    """Fetches and reads what a person asked for on the page, or comes back in a second while another import goes on."""
    if not importing.carry_out(key):
        carry_out_import.apply_async(kwargs={"key": key}, countdown=1, expires=600)


@shared_task(expires=600)
def validate_document(key: int) -> None:
    """Validates a document, then the next one that waits."""
    if validation.validate(key):
        for waiting in validation.tend(timezone.now())[:1]:
            send("validate_document", waiting)


@shared_task
def forget_audit() -> None:
    """Forgets the entries of the audit whose time is over."""
    audit_retention.forget_old(timezone.now())


@shared_task
def tend() -> None:
    """Finds the imports and validations whose messages or workers were lost."""
    now = timezone.now()
    for key in importing.tend(now):
        send("carry_out_import", key)
    for key in validation.tend(now)[:1]:
        send("validate_document", key)


@shared_task
def forget_sessions() -> None:
    """Forgets sessions that are over, and failed logins that count no more."""
    sessions.forget_ended(timezone.now())
    signing_in.forget_failures()
