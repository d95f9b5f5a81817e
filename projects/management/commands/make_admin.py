"""`manage.py make_admin NAME`: the first administrator, or a new password for one who lost it."""

import getpass
import secrets
import sys
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from projects import sessions
from projects.audit import Action, record


class Command(BaseCommand):
    help = (
        "Makes an administrator. Asks for the password; or reads it from a file or from standard input "
        "(--password-file -), or makes one up and prints it (--random). Never from the command line, which others see."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Who, and where the password comes from."""
        parser.add_argument("name", help="user name")
        parser.add_argument("--email", default="")
        source = parser.add_mutually_exclusive_group()
        source.add_argument("--password-file", help="a file whose first line is the password; - for standard input")
        source.add_argument("--random", action="store_true", help="make up a password and print it, this once")
        parser.add_argument(
            "--reset",
            action="store_true",
            help="of a person who exists: make them an administrator, with a new password",
        )

    def handle(self, *args: Any, name: str, email: str, reset: bool, **options: Any) -> None:
        name = User.normalize_username(name)
        user = User.objects.filter(username=name).first()
        if user is not None and not reset:
            kind = "an administrator" if user.is_superuser else "a person, though no administrator"
            raise CommandError(f"{name} is {kind} already. Give --reset to make {name} one with a new password.")
        if user is None and reset:
            self.stderr.write(f"There was no {name}; making one.")
        before = {"superuser": user.is_superuser, "active": user.is_active} if user else None
        user = user or User(username=name)
        user.email = email or user.email
        user.is_staff = user.is_superuser = user.is_active = True
        password = self._password(user, options["password_file"], options["random"])
        user.set_password(password)
        self._save(user, before)
        self.stdout.write(self.style.SUCCESS(f"{name} is an administrator and can sign in."))
        if options["random"]:
            self.stdout.write(f"Password: {password}")

    def _save(self, user: User, before: dict[str, bool] | None) -> None:
        try:
            user.full_clean(exclude=["password"])
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        with transaction.atomic():
            user.save()
            sessions.end_all(user)
            after = {"superuser": True, "active": True}
            action = Action.CHANGED if before else Action.CREATED
            record(action, user, before=before, after=after, detail="make_admin, with a new password")

    def _password(self, user: User, file: str | None, random: bool) -> str:
        if random:
            return secrets.token_urlsafe(18)
        password = _from_file(file) if file else self._asked()
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        return password

    def _asked(self) -> str:
        if not sys.stdin.isatty():
            raise CommandError("Nobody is there to type a password: give --password-file FILE (- for standard input).")
        password = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != password:
            raise CommandError("These were two different passwords.")
        return password


def _from_file(path: str) -> str:
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from error
    return (text.splitlines() or [""])[0]
