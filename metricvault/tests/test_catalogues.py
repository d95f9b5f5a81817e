import gettext
import os
from pathlib import Path

import pytest

from metricvault import catalogues

TEXT = """
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\nPlural-Forms: nplurals=1; plural=0;\\n"

msgid "Run"
msgstr "실행"

msgctxt "verb"
msgid "Run"
msgstr "실행하기"

msgid "%(n)s run"
msgid_plural "%(n)s runs"
msgstr[0] "실행 %(n)s건"

#, fuzzy
msgid "Stop"
msgstr "중단?"
"""


@pytest.fixture
def text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "app" / "locale" / "ko" / "LC_MESSAGES" / "django.po"
    path.parent.mkdir(parents=True)
    path.write_text(TEXT, encoding="utf-8")
    monkeypatch.setattr(catalogues, "ROOT", tmp_path)
    return path


def test_the_catalogue_holds_what_gettext_would_have_written(text: Path) -> None:
    catalogues.compile_catalogues([text])
    with open(text.with_suffix(".mo"), "rb") as file:
        found = gettext.GNUTranslations(file)
    assert found.gettext("Run") == "실행"
    assert found.pgettext("verb", "Run") == "실행하기"
    assert found.ngettext("%(n)s run", "%(n)s runs", 5) == "실행 %(n)s건"
    assert found.gettext("Stop") == "Stop"


def test_only_what_is_missing_or_older_is_made(text: Path) -> None:
    assert catalogues.outdated() == [text]
    catalogues.compile_catalogues([text])
    assert catalogues.outdated() == []
    made = text.with_suffix(".mo").stat().st_mtime
    os.utime(text, (made + 5, made + 5))
    assert catalogues.outdated() == [text]


def test_a_broken_text_leaves_the_old_catalogue_as_it_was(text: Path) -> None:
    catalogues.compile_catalogues([text])
    before = text.with_suffix(".mo").read_bytes()
    text.write_text('msgid "x"\nnonsense\n', encoding="utf-8")
    with pytest.raises(OSError, match="line 2"):
        catalogues.compile_catalogues([text])
    assert text.with_suffix(".mo").read_bytes() == before
