"""`manage.py replay_run [FILE]`: plays a recorded run to the browser, without k6."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from history.replay import create_run, play, read_recording
from history.states import Status
from projects.models import Project


class Command(BaseCommand):
    help = "Plays a recorded run to the browser, second by second, without k6."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The recording, and the project it goes to."""
        parser.add_argument("file", nargs="?", type=Path, default=settings.BASE_DIR / "tests" / "recorded_run.json")
        parser.add_argument("--project", type=int, help="id of the project; the first one if it is left out")

    def handle(self, *args: Any, **options: Any) -> None:
        """Creates the run, tells its address, plays it."""
        projects = Project.objects.order_by("pk")
        project = projects.filter(pk=options["project"]).first() if options["project"] else projects.first()
        if project is None:
            raise CommandError("There is no such project; make one first.")
        recording = read_recording(options["file"])
        run = create_run(recording["plan"], project, Status.STARTING)
        self.stdout.write(f"Playing at http://127.0.0.1:{settings.PORT}/runs/{run.pk}/")
        play(run, recording)
        self.stdout.write(f"Done: {run.total_requests} requests, {run.outcome}.")
