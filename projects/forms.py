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

    def clean_title(self) -> str:
        """A title of blanks is no title; Django strips it, and says so here in our words."""
        return str(self.cleaned_data["title"])

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

    def clean_base_url(self) -> str:
        url = str(self.cleaned_data["base_url"]).strip()
        try:
            parts = urlsplit(url)
            host, _port = parts.hostname, parts.port
        except ValueError:
            parts, host = urlsplit(""), None
        if parts.scheme not in ("http", "https") or not host or any(sign.isspace() for sign in url):
            raise forms.ValidationError(_("Write an address such as https://api.example.com/v1."))
        if parts.query or parts.fragment:
            raise forms.ValidationError(_("Leave out what follows “?” or “#”. Parameters belong to the endpoints."))
        return url


class ImportForm(forms.Form):
    """One of three ways; `way` says which form of the page was sent."""

    WAYS = ("openapi_url", "file", "document")

    way = forms.ChoiceField(choices=[(way, way) for way in WAYS], initial="openapi_url", widget=forms.HiddenInput)
    openapi_url = forms.CharField(
        label=_("Address of the OpenAPI or Swagger document"),
        required=False,
        max_length=2000,
        widget=forms.TextInput(
            attrs={"class": "mono", "inputmode": "url", "placeholder": "https://api.example.com/openapi.json"}
        ),
    )
    file = forms.FileField(label=_("JSON or YAML, up to 20 MB"), required=False, allow_empty_file=True)
    document = forms.CharField(
        label=_("OpenAPI document"), required=False, widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"})
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        way = data.get("way")
        missing = {
            "openapi_url": _("Write the address of the document."),
            "file": _("Choose a file."),
            "document": _("Paste the text of the document."),
        }
        if way and not data.get(way) and way not in self.errors:
            self.add_error(way, missing[way])
        return data
