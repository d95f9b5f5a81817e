"""Documents that stand within the page or the script that shows them: swagger-ui-express, NestJS, ReDoc's static pages.

Nothing is run: what is looked for is an object in JSON, from its first bracket to the one that closes it.
"""

import re

MOST_DOCUMENTS = 3
DEEPEST = 1000
MOST_TOKENS = 1_500_000  # strings and brackets; GitHub's description has 530,000
# The words before the object, likely ones first.
_BEFORE = (
    re.compile(r"""["']?swaggerDoc["']?\s*:\s*(?=\{)"""),
    re.compile(r"""["']spec["']\s*:\s*\{\s*["']data["']\s*:\s*(?=\{)"""),
    re.compile(r"""\bRedoc\.init\(\s*(?=\{)"""),
    re.compile(r"""(?<![\w-])["']?spec["']?\s*[:=]\s*(?=\{)"""),
    re.compile(r"""(?=\{\s*"(?:openapi|swagger)"\s*:\s*")"""),
)
# A string that does not end is a token, too: nothing after it has to be looked at.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|["{}]', re.DOTALL)
_VERSION = re.compile(r'"(?:openapi|swagger)"\s*:')


def embedded_documents(text: str) -> tuple[str, ...]:
    """The JSON texts within `text` that may be OpenAPI documents, `MOST_DOCUMENTS` at most."""
    found: dict[str, None] = {}
    looked: set[int] = set()
    for pattern in _BEFORE:
        for match in pattern.finditer(text):
            if len(looked) >= MOST_DOCUMENTS or len(found) >= MOST_DOCUMENTS:
                return tuple(found)
            if match.end() in looked:
                continue
            looked.add(match.end())
            whole = _object_at(text, match.end())
            if _VERSION.search(whole, 0, 100_000) or _VERSION.search(whole, max(0, len(whole) - 1000)):
                found[whole] = None
    return tuple(found)


def _object_at(text: str, start: int) -> str:
    """The object that begins at `start`, or "" where it does not end, or not soon enough."""
    depth = 0
    for number, token in enumerate(_TOKEN.finditer(text, start)):
        sign = token.group()
        depth += 1 if sign == "{" else -1 if sign == "}" else 0
        if depth == 0:
            return text[start : token.end()]
        if sign == '"' or depth > DEEPEST or number > MOST_TOKENS:
            break
    return ""
