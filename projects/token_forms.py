"""The form of a new API token."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from projects.access import Person, visible_projects
from projects.models import ApiToken, Project

DAYS = (30, 90, 365)


def _lengths() -> list[tuple[int, str]]:
    """In the reader's language, which is known only when the form is shown."""
    return [*((days, gettext("%(days)s days") % {"days": days}) for days in DAYS), (0, gettext("until it is revoked"))]


class TokenForm(forms.Form):
    """`expires_at()` is the moment that was chosen; None: never."""

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        help_text=_("Which program shows it, such as “nightly build”."),
        error_messages={"required": _("Write a name, so that you know later what the token is for.")},
    )
    scope = forms.ChoiceField(label=_("It may"), choices=ApiToken.Scope.choices, initial=ApiToken.Scope.RUN)
    project = forms.ModelChoiceField(
        label=_("Only in project"), queryset=Project.objects.none(), required=False, empty_label=_("All my projects")
    )
    days = forms.TypedChoiceField(
        label=_("Valid for"),
        coerce=int,
        initial=90,
        choices=_lengths,
    )

    def __init__(self, person: Person, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["project"].queryset = visible_projects(person)  # type: ignore[attr-defined]

    def expires_at(self) -> datetime | None:
        """After the form was found valid."""
        days = self.cleaned_data["days"]
        return timezone.now() + timedelta(days=days) if days else None
