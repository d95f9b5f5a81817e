"""No secret is shown, in whatever form it came."""

import base64
import json
import time
from html import escape
from urllib.parse import quote, quote_plus

import pytest

from loadtests.k6.masking import MASK, Masker

SECRET = 'pä55 "wörd"/<&+\n한'


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        SECRET.encode().decode("latin-1"),
        json.dumps(SECRET.encode().decode("latin-1"))[1:-1],
        quote(SECRET, safe=""),
        quote(SECRET).lower(),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps(SECRET)[1:-1])[1:-1],
        json.dumps(SECRET)[1:-1].replace("<", r"\u003c").replace("&", r"\u0026"),
        escape(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(f"alice:{SECRET}".encode()).decode(),
        base64.b64encode(f"longer name:{SECRET} and more".encode()).decode(),
    ],
)
def test_it_is_hidden_in_every_form(written: str) -> None:
    shown = Masker([SECRET])(f"before [{written}] after")
    assert shown == f"before [{MASK}] after"


def test_the_password_of_basic_authentication_is_hidden_alone_too() -> None:
    mask = Masker([base64.b64encode(b"alice:open sesame").decode()])
    assert mask("Basic YWxpY2U6b3BlbiBzZXNhbWU= alice open sesame") == f"Basic {MASK} alice {MASK}"


def test_a_short_one_is_hidden_where_it_stands_alone() -> None:
    assert Masker(["a1"])("a1 a11 /a1/ ba1") == f"{MASK} a11 /{MASK}/ ba1"


def test_the_longer_of_two_goes_first() -> None:
    assert Masker(["token", "token-long"])("token-long token") == f"{MASK} {MASK}"


def test_nothing_is_no_secret() -> None:
    assert Masker(["", " "])("as it is") == "as it is"


def test_the_beginning_of_one_at_the_end_of_what_is_cut_is_hidden() -> None:
    assert Masker(["correct horse"])("say correct ho", cut=True) == f"say {MASK}"
    assert Masker(["correct horse"])("say correct ho") == "say correct ho"


def test_a_large_body_takes_no_time_to_speak_of() -> None:
    secrets = [f"secret number {number} of many" for number in range(50)]
    body = base64.b64encode(bytes(range(256)) * 200).decode() + base64.b64encode(secrets[7].encode()).decode()
    began = time.process_time()
    assert len(Masker(secrets)(body)) < len(body)
    assert time.process_time() - began < 2
