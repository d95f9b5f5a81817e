"""Request headers of protected documents are kept encrypted, and never said again."""

import pytest
from django.test import override_settings

from metricvault.lib.errors import Refused
from projects.fetching import SecretHeaders
from projects.sealing import MOST_HEADERS, origin_of, read_headers, seal, unseal

URL = "https://api.example.com/openapi.json"
SECRET = SecretHeaders("https://api.example.com:443", (("Authorization", "Bearer s3cret"),))


def test_what_is_sealed_comes_back_and_does_not_show() -> None:
    sealed = seal(SECRET)
    assert unseal(sealed) == SECRET
    assert "s3cret" not in sealed
    assert seal(SECRET) != sealed  # the same secret twice cannot be told from two secrets
    assert "s3cret" not in repr(SECRET)


def test_nothing_is_sealed_as_nothing() -> None:
    assert seal(None) == ""
    assert unseal("") is None


def test_an_older_key_still_opens_and_a_lost_one_does_not() -> None:
    with override_settings(SECRET_KEY="old"):
        sealed = seal(SECRET)
    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old"]):
        assert unseal(sealed) == SECRET
        fresh = seal(unseal(sealed))
    with override_settings(SECRET_KEY="new"):
        assert unseal(sealed) is None
        assert unseal(fresh) == SECRET
        assert unseal("rubbish") is None


def test_lines_become_headers() -> None:
    found = read_headers("Authorization:  Bearer a:b \r\n\n X-Api-Key: 1\n", URL)
    assert found == SecretHeaders("https://api.example.com:443", (("Authorization", "Bearer a:b"), ("X-Api-Key", "1")))
    assert read_headers(" \n", URL) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("s3cret", "Line 1 is no header"),
        ("A: b\ns3cret", "Line 2 is no header"),
        ("A b: s3cret", "Header 1 has no name"),
        (": s3cret", "Header 1 has no name"),
        ("Host: s3cret", "set by the connection"),
        ("content-length: s3cret", "set by the connection"),
        ("A: s3cret\x00", "cannot carry"),
        ("A: s3cret\x7f", "cannot carry"),
        ("A: s3crét", "cannot carry"),
        ("A: " + "s3cret" * 2000, "cannot carry"),
        ("A: s3cret\n" * (MOST_HEADERS + 1), "At most 20"),
    ],
)
def test_what_is_no_header_is_refused_without_quoting_it(text: str, said: str) -> None:
    with pytest.raises(Refused, match=said) as caught:
        read_headers(text, URL)
    assert caught.value.details[0].field == "headers"
    assert "s3cr" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://API.example.com/x", "https://api.example.com:443"),
        ("http://a:b@h.example:8080/x", "http://h.example:8080"),
        ("http://[::1]/", "http://::1:80"),
        ("nonsense", ""),
        ("http://h:port/", ""),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, origin: str) -> None:
    assert origin_of(url) == origin
