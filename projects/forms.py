"""Forms of projects, documents and imports."""

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.utils.translation import gettext_lazy as _

from projects.models import OpenApiSpec, Project


class ProjectForm(forms.ModelForm):
    class Meta:
        model = Project
        fields = ["title", "summary", "description"]
        labels = {"title": _("Title"), "summary": _("Summary"), "description": _("Description")}
        help_texts = {"summary": _("One line that says what is tested and where.")}
        widgets = {"description": forms.Textarea(attrs={"rows": 4})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["title"].error_messages["required"] = _("Write a title.")


class BaseUrlForm(forms.ModelForm):
    class Meta:
        model = OpenApiSpec
        fields = ["base_url"]
        labels = {"base_url": _("Base URL")}
        help_texts = {"base_url": _("Every request goes to this address with the endpoint's path behind it.")}
        widgets = {"base_url": forms.TextInput(attrs={"class": "mono", "list": "servers", "inputmode": "url"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["base_url"].required = True
        self.fields["base_url"].error_messages["required"] = _("Write an address such as https://api.example.com/v1.")

    def clean_base_url(self) -> str:
        url = str(self.cleaned_data["base_url"]).strip()
        try:
            parts = urlsplit(url)
            host, _port = parts.hostname, parts.port
        except ValueError:
            parts, host = urlsplit(""), None
        if parts.scheme not in ("http", "https") or not host or any(sign.isspace() for sign in url):
            raise forms.ValidationError(_("Write an address such as https://api.example.com/v1."))
        if parts.username or parts.password:
            message = _("Leave the login out of the address. It belongs to the logins, where it is kept encrypted.")
            raise forms.ValidationError(message)
        if parts.query or parts.fragment:
            raise forms.ValidationError(_("Leave out what follows “?” or “#”. Parameters belong to the endpoints."))
        return url


class SecretText(forms.Textarea):
    """What is typed here goes to the server and is never sent back."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        return super().get_context(name, "", attrs)


class ImportForm(forms.Form):
    """One of three ways; `way` says which form of the page was sent."""

    WAYS = ("openapi_url", "file", "document")

    way = forms.ChoiceField(choices=[(way, way) for way in WAYS], initial="openapi_url", widget=forms.HiddenInput)
    openapi_url = forms.CharField(
        label=_("Address of the OpenAPI or Swagger document"),
        error_messages={"required": _("Write the address of the document.")},
        max_length=2000,
        widget=forms.TextInput(
            attrs={"class": "mono", "inputmode": "url", "placeholder": "https://api.example.com/openapi.json"}
        ),
    )
    headers = forms.CharField(
        label=_("Request headers"),
        required=False,
        max_length=100_000,
        help_text=_("One a line. They are kept encrypted, sent to this host only, and never shown again."),
        widget=SecretText(
            attrs={
                "class": "mono", "rows": 2, "spellcheck": "false", "autocomplete": "off",
                "placeholder": _("Authorization: Bearer …"),
            }
        ),
    )  # fmt: skip
    forget_headers = forms.BooleanField(label=_("Forget them"), required=False)
    file = forms.FileField(
        label=_("JSON, YAML, or a zip with several files, up to 20 MB"),
        allow_empty_file=True,  # the reader says it better
        error_messages={"required": _("Choose a file.")},
    )
    document = forms.CharField(
        label=_("OpenAPI document"),
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
        error_messages={"required": _("Paste the text of the document.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.is_bound:
            for way in self.WAYS:
                self.fields[way].required = way == self.data.get("way")
