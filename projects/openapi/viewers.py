"""Where a page that shows an API (Swagger UI, ReDoc, RapiDoc, Scalar) takes its document from."""

import re
from html import unescape
from urllib.parse import urljoin

LONGEST_PAGE = 1_000_000
MOST_LINKS = 8
_QUOTED = r"""\s*[:=]\s*["']([^"'\s]{1,2000})["']"""
# In this order: what is named as the document, a configuration that names it, a script that configures.
_PATTERNS = (
    re.compile(r"\bspec-?url" + _QUOTED, re.IGNORECASE),
    re.compile(r"\bdata-url" + _QUOTED),
    re.compile(r"""\bRedoc\.init\(\s*["']([^"'\s]{1,2000})["']"""),
    re.compile(r"""\bconfigUrl["']?""" + _QUOTED),
    re.compile(r"""(?<![\w-])url["']?""" + _QUOTED),
    re.compile(
        r"""<script[^>]{0,300}?\bsrc=["']([^"'\s]{0,300}(?:initializer|swagger-config|init)[^"'\s]{0,300}\.js[^"'\s]{0,100})["']"""
    ),
)


def linked_documents(text: str, address: str) -> tuple[str, ...]:
    """The addresses that a page, its script or its configuration names, likely documents first.

    `text` is the page as it came from `address`. Nothing of it is run; what the addresses hold is not known.
    """
    text = text[:LONGEST_PAGE]
    found: dict[str, None] = {}
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            try:
                link = urljoin(address, unescape(match.group(1)).replace("\\/", "/"))
            except ValueError:
                continue
            if link.startswith(("http://", "https://")) and link != address:
                found[link] = None
    return tuple(found)[:MOST_LINKS]
