"""`python -m metricvault.messages`: brings every catalogue up to date with the texts of source and templates.

Needs no gettext binaries: Django turns templates into calls that Babel finds, polib reads and writes the catalogues.
New texts come in empty, texts that nobody uses any more go, translations stay. Ends with 1 while something is left to
translate, and names it. Beside metricvault.catalogues, because `make run` has no Babel.
"""

import io
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polib
from babel.messages.extract import extract
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("metricvault", "projects", "history", "loadtests")
ASIDE = frozenset({"tests", "migrations"})
KEYWORDS = {
    **dict.fromkeys(("gettext", "gettext_lazy", "gettext_noop", "_", "N_"), None),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}
CALLS = re.compile(rf"\b(?:{'|'.join(KEYWORDS)})\s*\(")


@dataclass(frozen=True, slots=True)
class Key:
    """What makes a message one: its context ("" for none) and its text."""

    context: str
    text: str


@dataclass(slots=True)
class Message:
    """A text to translate: its plural ("" for none), notes for translators, and the files that say it."""

    plural: str = ""
    notes: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


def sources() -> list[Path]:
    """Every file whose texts people read, in a fixed order."""
    code = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    kept = [path for path in code if not ASIDE.intersection(path.relative_to(ROOT).parts)]
    return sorted([*kept, *(ROOT / "templates").rglob("*.html")])


def extracted(paths: Iterable[Path]) -> dict[Key, Message]:
    """The messages of some files, in the order of the files."""
    found: dict[Key, Message] = {}
    for path in paths:
        name = path.relative_to(ROOT).as_posix()
        for key, plural, notes in _of_file(path):
            message = found.setdefault(key, Message())
            message.plural = message.plural or plural
            message.notes += [note for note in notes if note not in message.notes]
            if name not in message.files:
                message.files.append(name)
    return found


def _of_file(path: Path) -> Iterator[tuple[Key, str, list[str]]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        # The tokenizer of Python minds how lines are indented, templates do not.
        text = "\n".join(line.lstrip() for line in templatize(text, origin=str(path)).splitlines())
    if not CALLS.search(text):
        return
    calls = extract("python", io.BytesIO(text.encode()), KEYWORDS, ("Translators:",), {"encoding": "utf-8"})
    for _line, words, notes, context in calls:
        singular, *plural = (words,) if isinstance(words, str) else words
        yield Key(context or "", singular), plural[0] if plural else "", notes


def update(catalogue: Path, messages: dict[Key, Message]) -> list[Key]:
    """Writes the catalogue with exactly these messages; answers those that still need a translator."""
    old = polib.pofile(str(catalogue), encoding="utf-8", wrapwidth=120)
    known = {Key(entry.msgctxt or "", entry.msgid): entry for entry in old if not entry.obsolete}
    new = polib.POFile(wrapwidth=120)
    new.header, new.metadata = old.header, old.metadata
    for key, message in messages.items():
        new.append(_entry(key, message, known.get(key)))
    text = str(new)
    if catalogue.read_text(encoding="utf-8") != text:
        catalogue.write_text(text, encoding="utf-8")
    return [Key(entry.msgctxt or "", entry.msgid) for entry in new if not entry.translated()]


def _entry(key: Key, message: Message, before: polib.POEntry | None) -> polib.POEntry:
    """A message in the catalogue. A translation whose message gained or lost its plural is for a translator to redo."""
    entry = polib.POEntry(
        msgid=key.text,
        msgctxt=key.context or None,
        comment="\n".join(message.notes),
        occurrences=[(name, "") for name in message.files],
        flags=["python-format"] if "%(" in key.text else [],
    )
    kept = before if before is not None and bool(before.msgid_plural) == bool(message.plural) else None
    if message.plural:
        entry.msgid_plural = message.plural
        entry.msgstr_plural = kept.msgstr_plural if kept else {0: ""}
    else:
        entry.msgstr = kept.msgstr if kept else ""
    if kept:
        entry.tcomment = kept.tcomment
        entry.flags += ["fuzzy"] if kept.fuzzy else []
    return entry


def main() -> int:
    """Brings every catalogue up to date; 0 where all are complete."""
    messages = extracted(sources())
    catalogues = sorted(ROOT.glob("*/locale/*/LC_MESSAGES/django.po"))
    open_texts = [(path, key) for path in catalogues for key in update(path, messages)]
    for path, key in open_texts:
        sys.stdout.write(f"{path.relative_to(ROOT)}: not translated: {key.text}\n")
    return 1 if open_texts else 0


if __name__ == "__main__":
    sys.exit(main())
