"""Sentences made in the pure rooms. They are English here and carry what a translation needs.

`gettext_noop` marks a template for makemessages; the edge (`projects.spec_import`) translates the
template and fills in the values, in the language of whoever reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

LONGEST_QUOTE = 120


def gettext_noop(text: str) -> str:
    """Marks `text` for translation and gives it back as it is."""
    return text


def quote(value: object) -> str:
    """A piece of a document, short and on one line, fit to stand in a sentence."""
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A template in the form of `%(name)s` and its values."""

    template: str
    values: Mapping[str, str | int] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.template % self.values


@dataclass(frozen=True, slots=True)
class Warning:  # noqa: A001 - the word the API uses
    """Something wrong in a document that one can live with: `where` is a place such as "GET /pets"."""

    where: str
    sentence: Sentence

    @property
    def message(self) -> str:
        """The sentence in English."""
        return str(self.sentence)


class Warnings:
    """Gathers warnings, each once, and no more than `limit`: a broken generator repeats itself a thousand times."""

    def __init__(self, limit: int = 200) -> None:
        self._limit = limit
        self._found: dict[Warning, None] = {}
        self._left_out = 0

    def add(self, where: str, template: str, **values: object) -> None:
        """Notes `template`, a text marked by `gettext_noop`, for the place `where`."""
        kept = {name: value if isinstance(value, int) else quote(value) for name, value in values.items()}
        warning = Warning(quote(where), Sentence(template, _Values(kept)))
        if warning in self._found:
            return
        if len(self._found) >= self._limit:
            self._left_out += 1
            return
        self._found[warning] = None

    def all(self) -> tuple[Warning, ...]:
        """Every warning in the order of finding; the last one says how many were left out."""
        found = tuple(self._found)
        if not self._left_out:
            return found
        rest = Sentence(gettext_noop("%(count)d more findings are not listed."), _Values({"count": self._left_out}))
        return (*found, Warning("", rest))


class _Values(dict[str, str | int]):
    """A mapping that can be compared and hashed as a value."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(sorted(self.items(), key=lambda item: item[0])))


class DocumentError(Exception):
    """The text is not a document this product reads; `str()` of it says what it seems to be instead."""

    def __init__(self, template: str, **values: object) -> None:
        kept = {name: value if isinstance(value, int) else quote(value) for name, value in values.items()}
        self.sentence = Sentence(template, kept)
        super().__init__(str(self.sentence))


class DocumentTooLarge(DocumentError):
    """The text is longer than the product takes."""
