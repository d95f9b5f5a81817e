"""What is kept of values: short, readable, without secrets."""

from typing import Any

import pytest

from projects import audit_values
from projects.audit_values import HIDDEN, fields, plain, text


@pytest.mark.parametrize(
    "name", ["password", "client_secret", "API key", "X-Api-Key", "Authorization", "sealed_headers", "token", "Cookie"]
)
def test_what_is_called_like_a_secret_is_hidden(name: str) -> None:
    assert fields({name: "s3cret"}) == {name: HIDDEN}
    assert fields({"headers": {name: "s3cret"}}) == {"headers": {name: HIDDEN}}
    assert fields({"headers": [{"name": name, "value": "s3cret"}]}) == {"headers": [{"name": name, "value": HIDDEN}]}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Authorization: Bearer abcdefghijklmnopqrstuvwxyz", f"Authorization: Bearer {HIDDEN}"),
        ("Basic dXNlcjpwYXNz", "Basic dXNlcjpwYXNz"),  # it could be a word
        ("Basic dXNlcjpwYXNzd29yZA==", f"Basic {HIDDEN}"),
        ("https://ann:s3cret@example.com/x", f"https://{HIDDEN}@example.com/x"),
        ("/a?page=2&api_key=abc&sig=1", f"/a?page=2&api_key={HIDDEN}&sig={HIDDEN}"),
        ("mv_0123456789abcdefghij", f"mv_{HIDDEN}"),
        ("Basic checkout, token of appreciation", "Basic checkout, token of appreciation"),
    ],
)
def test_logins_inside_of_texts_are_hidden(given: str, kept: str) -> None:
    assert text(given) == kept


def test_a_secret_in_a_variable_is_hidden_whatever_its_name() -> None:
    assert plain({"name": "region", "secret": True, "value": "s3cret"})["value"] == HIDDEN


@pytest.mark.parametrize("value", ["x" * 10_000, ["x" * 100] * 1_000, {str(n): n for n in range(1_000)}, b"x" * 10**6])
def test_large_things_are_cut(value: Any) -> None:
    assert len(str(plain(value))) < 10_000


def test_an_object_with_many_fields_says_how_many_it_has_left_out() -> None:
    kept = fields({f"f{number}": number for number in range(500)})
    assert len(kept) == audit_values.MOST_FIELDS + 1
    assert kept["…"] == 500 - audit_values.MOST_FIELDS


def test_what_no_database_keeps_is_replaced() -> None:
    assert text("a\x00b\ud800") == "a\ufffdb?"
