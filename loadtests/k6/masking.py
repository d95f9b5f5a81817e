"""Takes secrets out of what is shown. Pure.

A secret may have been written into anything on its way: percent-encoded into an address, escaped into JSON or XML,
base64 in HTTP's basic authentication. Each of these forms is looked for.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator
from html import escape
from urllib.parse import quote, quote_plus

MASK = "••••••"
_LEAST = 4  # characters of the beginning of a secret that are taken for one
_SHORT = 6  # what is shorter stands in half of all words; it is hidden where it stands alone
_SHORTEST_IN_BASE64 = 8  # bytes; of fewer too little is left that could be nothing else
_BASE64 = re.compile("[A-Za-z0-9+/_-]*=*")
# What encoders leave alone: Python's two, encodeURIComponent, forms, addresses.
_SAFE = ("", "/", "!'()*~", "*", "!$&'()*+,;=:@/?~")
_URL_SAFE = str.maketrans("+/", "-_")
_LETTER = "[0-9A-Za-z]"


class Masker:
    """Hides every one of `secrets` in texts."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = {part for secret in secrets for part in (secret, *_within(secret)) if part.strip()}
        # What reads the bytes of a header as Latin-1 (RFC 9110, 5.5) gives back other letters.
        known |= {part.encode(errors="replace").decode("latin-1") for part in known if not part.isascii()}
        self._forms = sorted({form for secret in known for form in _forms(secret)}, key=len, reverse=True)
        alone = [re.escape(form) for form in self._forms if len(form) < _SHORT]
        self._forms = [form for form in self._forms if len(form) >= _SHORT]
        self._alone = re.compile(f"(?<!{_LETTER})(?:{'|'.join(alone)})(?!{_LETTER})") if alone else None
        self._cores = sorted({core for secret in known for core in _in_base64(secret)}, key=len, reverse=True)

    def __call__(self, text: str, *, cut: bool = False) -> str:
        """The text without secrets. `cut`: it ends in the middle, so its end may be the beginning of one."""
        for core in self._cores:
            text = _without_packed(text, core)
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        if self._alone:
            text = self._alone.sub(MASK, text)
        return self._without_beginning(text) if cut else text

    def _without_beginning(self, text: str) -> str:
        for form in (*self._forms, *self._cores):
            for length in range(min(len(form) - 1, len(text)), _LEAST - 1, -1):
                if text.endswith(form[:length]):
                    return text[:-length] + MASK
        return text


def _within(secret: str) -> Iterator[str]:
    """Basic authentication is a secret that holds another: `name:password` in base64 (RFC 7617)."""
    try:
        plain = base64.b64decode(secret, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return
    _name, colon, password = plain.partition(":")
    if colon and plain.isprintable():
        yield from (plain, password)


def _forms(secret: str) -> Iterator[str]:
    yield secret
    for safe in _SAFE:
        for encode in (quote, quote_plus):
            text = encode(secret, safe=safe, errors="replace")
            yield from (text, re.sub("%[0-9A-F]{2}", _lower, text))
    for text in {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}:
        for more in (text, text.replace("/", r"\/"), _as_go(text), re.sub(r"\\u[0-9a-f]{4}", _upper, text)):
            yield from (more, json.dumps(more, ensure_ascii=False)[1:-1])
    yield from (escape(secret, quote=False), escape(secret))
    packed = base64.b64encode(secret.encode(errors="replace")).decode()
    yield from (packed, packed.rstrip("="), packed.translate(_URL_SAFE), packed.rstrip("=").translate(_URL_SAFE))


def _as_go(text: str) -> str:
    """JSON as encoding/json of Go writes it, and others that fear for HTML."""
    return text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


def _lower(found: re.Match[str]) -> str:
    return found[0].lower()


def _upper(found: re.Match[str]) -> str:
    return found[0][:2] + found[0][2:].upper()


def _without_packed(text: str, core: str) -> str:
    """Hides the whole word of base64 around each `core`."""
    at = text.find(core)
    while at >= 0:
        word = _BASE64.match(text, at)
        end = word.end() if word else at + len(core)
        while at and _BASE64.fullmatch(text[at - 1]) and text[at - 1] != "=":
            at -= 1
        text = text[:at] + MASK + text[end:]
        at = text.find(core, at + len(MASK))
    return text


def _in_base64(secret: str) -> Iterator[str]:
    """What of a secret in base64 does not depend on its neighbours, for each of the three ways it can lie there, in
    both alphabets (RFC 4648)."""
    raw = secret.encode(errors="replace")
    if len(raw) < _SHORTEST_IN_BASE64:
        return
    for shift in range(3):
        first = (3 - shift) % 3
        whole = raw[first : first + (len(raw) - first) // 3 * 3]
        packed = base64.b64encode(whole).decode()
        yield from (packed, packed.translate(_URL_SAFE))
