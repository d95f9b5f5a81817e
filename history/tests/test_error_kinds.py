"""Words for how requests ended."""

import pytest

from history import error_kinds


@pytest.mark.parametrize(
    ("kind", "words", "shown", "failure"),
    [
        ("200", "OK", "200", False),
        ("301", "Moved Permanently", "301", False),
        ("404", "Not Found", "404", True),
        ("503", "Service Unavailable", "503", True),
        ("599", "", "599", True),
        ("0", "no answer", "–", True),
        ("0:1050", "no answer in time", "1050", True),
        ("0:1101", "host unknown", "1101", True),
        ("0:1212", "connection refused", "1212", True),
        ("0:1220", "connection reset by the other side", "1220", True),
        ("0:1310", "certificate of an unknown authority", "1310", True),
        ("0:1617", "HTTP/2: the other side is going away", "1617", True),
        ("0:1633", "HTTP/2 stream error", "1633", True),
        ("0:1299", "connection error", "1299", True),
        ("0:9999", "another error", "9999", True),
        ("0:", "no answer", "–", True),
        ("check", "a check failed", "–", True),
        ("<b>", "", "<b>", True),
    ],
)
def test_a_kind_is_told_in_words(kind: str, words: str, shown: str, failure: bool) -> None:
    assert (error_kinds.words(kind), error_kinds.shown(kind)) == (words, shown)
    assert error_kinds.is_failure(kind) is failure


def test_the_browser_gets_the_same_words() -> None:
    assert all(said == error_kinds.words(kind) for kind, said in error_kinds.vocabulary().items())
