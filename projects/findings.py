"""What openapi-spec-validator says, as sentences that a tester understands. Nothing of Django.

The library speaks English, in two dialects (JSON Schema's errors from Rust and from Python); what is often seen is put
into sentences of ours, the rest is quoted.
"""

import re
from collections.abc import Mapping
from typing import Any

from projects.openapi import Sentence
from projects.openapi.wording import gettext_noop, quote

CRASHED, OUTSIDE, UNKNOWN_VERSION = "crashed", "outside", "unknown_version"

_KINDS = {
    CRASHED: gettext_noop("The document is so unusual that the validator could not look at all of it (%(kind)s)."),
    OUTSIDE: gettext_noop("“%(ref)s” points outside this document. It was not read."),
    UNKNOWN_VERSION: gettext_noop("Version “%(version)s” of OpenAPI is not known to the validator. It did not look."),
}
_SAID = (
    (r"""^["'](?P<name>.+?)["'] is a required property$""", gettext_noop("“%(name)s” is missing.")),
    (
        r"""^Additional properties are not allowed \((?P<names>.+?) (?:was|were) unexpected\)$""",
        gettext_noop("OpenAPI knows no %(names)s here."),
    ),
    (
        r"""^Unevaluated properties are not allowed \((?P<names>.+?) (?:was|were) unexpected\)$""",
        gettext_noop("OpenAPI knows no %(names)s here."),
    ),
    (
        r"""^(?P<value>.+) is not of types? ["']?(?P<type>[^{}]+?)["']?$""",
        gettext_noop("%(value)s stands where OpenAPI wants this type: %(type)s."),
    ),
    (
        r"""^(?P<value>.+) is not valid under any of the (?:given schemas|schemas listed in the '\w+' keyword)$""",
        gettext_noop("%(value)s has none of the shapes that OpenAPI allows here."),
    ),
    (
        r"""^(?P<value>.+) is valid under (?:each of|more than one of) the .*$""",
        gettext_noop("%(value)s fits more than one of the shapes that OpenAPI allows here."),
    ),
    (r"""^(?P<value>.+) is not a ["'](?P<format>[\w-]+)["']$""", gettext_noop("%(value)s is no %(format)s.")),
    (r"""^(?P<value>.+) is not one of (?P<known>.+)$""", gettext_noop("%(value)s is not one of %(known)s.")),
    (r"""^(?P<value>.+) does not match .+$""", gettext_noop("%(value)s is not written as OpenAPI wants it here.")),
    (r"""^(?P<value>.+) has less than 1 (?:property|item)$""", gettext_noop("There has to be at least one entry.")),
    (r"""^(?P<value>.+) has non-unique elements$""", gettext_noop("An entry stands twice: %(value)s.")),
    (
        r"""^Path parameter '(?P<name>.+?)' for '.+' operation in '.+' was not resolved$""",
        gettext_noop("The path and its parameters do not agree about “%(name)s”."),
    ),
    (
        r"""^Operation ID '(?P<name>.+)' for '.+' in '.+' is not unique$""",
        gettext_noop("The operationId “%(name)s” is given twice."),
    ),
    (r"""^Duplicate parameter '(?P<name>.+)'$""", gettext_noop("The parameter “%(name)s” is described twice.")),
    (r"""^Duplicate tag name '(?P<name>.+)'$""", gettext_noop("The tag “%(name)s” is described twice.")),
    (
        r"""^Required list has not defined properties: (?P<names>.+)$""",
        gettext_noop("What is required is not described: %(names)s."),
    ),
)
_PATTERNS = tuple((re.compile(pattern), template) for pattern, template in _SAID)


def sentence_of(finding: Mapping[str, Any]) -> Sentence:
    """The sentence of a finding as `projects.validation_child` writes it: {"where", "kind", "values"}."""
    values = {str(name): str(value) for name, value in dict(finding["values"]).items()}
    if template := _KINDS.get(str(finding["kind"])):
        return Sentence(template, {name: quote(value) for name, value in values.items()})
    message = values.get("message", "")
    for pattern, template in _PATTERNS:
        if match := pattern.match(message):
            found = {name: quote(value) for name, value in match.groupdict().items()}
            if "type" in found:
                found["type"] = found["type"].replace("'", "").replace('"', "")
            return Sentence(template, found)
    return Sentence(gettext_noop("The validator says: %(message)s"), {"message": message})
