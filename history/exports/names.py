"""What the files of a run are called."""

from django.utils.text import slugify

from history.models import TestHistory


def file_name(run: TestHistory, what: str, ending: str) -> str:
    """`evening-peak-12-summary.csv`: letters, digits, - and _ only, whatever the title is."""
    parts = (slugify(run.title)[:60].strip("-") or "run", str(run.pk), slugify(what))
    return "-".join(part for part in parts if part) + ending
