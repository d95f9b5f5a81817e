"""What a browser would make of a page: which foreign elements, attributes and addresses it has."""

import re
from html.parser import HTMLParser

_FOREIGN = re.compile(r"xss-(\d+)")
_LEADS = {"href", "src", "action", "formaction", "data", "hx-get", "hx-post", "xlink:href", "poster", "srcset"}


class Page(HTMLParser):
    """`attacks`: numbers of what got through as markup; `shown`: of what stands there as words."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.attacks: set[int] = set()
        self.shown: set[int] = set()
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attacks |= _numbers(tag)
        for name, value in attrs:
            self.attacks |= _numbers(name)
            words = (value or "").strip()
            if (
                name in _LEADS and re.match(r"[\s\x00-\x1f]*(javascript|data|vbscript):", words, re.IGNORECASE)
            ) or name.startswith("on"):
                self.attacks |= _numbers(words)
            else:
                self.shown |= _numbers(words)
        if tag == "script":
            self._in_script = dict(attrs).get("type") not in ("application/json",)

    handle_startendtag = handle_starttag

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.attacks |= _numbers(data)
        else:
            self.shown |= _numbers(data)


def _numbers(text: str) -> set[int]:
    return {int(one) for one in _FOREIGN.findall(text)}
