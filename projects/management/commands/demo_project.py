from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from metricvault.lib.errors import ProductError
from projects.models import OpenApiSpec, Project
from projects.spec_import import analyze

TITLE = "Demo shop"


class Command(BaseCommand):
    help = "Makes a project of the demo API, which has to be running."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--base-url", required=True, help="where the demo API answers")
        parser.add_argument("--first-run", action="store_true", help="starts a short run in it, as manage.py first_run")
        parser.add_argument("--moved-from", help="where it answered before: what was imported from there follows it")

    def handle(self, *args: Any, base_url: str, moved_from: str | None, first_run: bool, **options: Any) -> None:
        try:
            with transaction.atomic():
                if moved_from:
                    move(moved_from, base_url)
                else:
                    make(base_url)
        except ProductError as error:
            raise CommandError(str(error)) from error
        if first_run:
            call_command("first_run")


def make(base_url: str) -> Project:
    """The project, with the document read from `base_url`. It has no owner: administrators see it, and in open access
    everybody is one."""
    project, _created = Project.objects.get_or_create(
        title=TITLE,
        owner=None,
        defaults={
            "summary": "A small shop that came with Metric Vault, to try things out.",
            "description": "Its response times and error rates are known: each operation's description names them.",
        },
    )
    analyze(project, url=_document(base_url))
    return project


def move(old: str, new: str) -> None:
    """Reads again, from `new`, what was imported from `old`. What somebody deleted stays deleted."""
    for spec in OpenApiSpec.objects.filter(source_url=_document(old)).select_related("project"):
        spec.source_url = _document(new)
        spec.save(update_fields=["source_url"])
        analyze(spec.project, url=_document(new))


def _document(base_url: str) -> str:
    return f"{base_url.rstrip('/')}/openapi.json"
