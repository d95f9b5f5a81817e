"""`manage.py make_token USER NAME --scope run --days 90`: an API token for a program, printed once."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from projects.api_tokens import make_token
from projects.models import ApiToken, Project


class Command(BaseCommand):
    help = "Makes an API token for a person and prints it, this once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Who, what for, and how far it goes."""
        parser.add_argument("user", help="user name")
        parser.add_argument("name", help="which program shows it")
        parser.add_argument("--scope", choices=ApiToken.Scope.values, default=ApiToken.Scope.READ)
        parser.add_argument("--project", type=int, help="number of the only project that it is for")
        parser.add_argument("--days", type=int, default=90, help="0: until it is revoked")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the token alone, so that a script can keep it."""
        user = User.objects.filter(username=options["user"], is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {options['user']}.")
        project = Project.objects.filter(pk=options["project"]).first()
        if options["project"] is not None and project is None:
            raise CommandError(f"There is no project {options['project']}.")
        if options["days"] < 0:
            raise CommandError("--days is a number of days, or 0.")
        expires_at = timezone.now() + timedelta(days=options["days"]) if options["days"] else None
        _made, text = make_token(user, options["name"][:100], options["scope"], project, expires_at)
        self.stdout.write(text)
