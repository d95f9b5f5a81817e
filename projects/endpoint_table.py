"""The table of endpoints on the pages of a project and of a document, and what one endpoint is in full."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from projects import catalogue
from projects.models import Endpoint, OpenApiSpec

ON_A_PAGE = 100
MOST_CHIPS = 12
_COLUMNS = (
    "openapi_spec_id", "method", "path", "summary", "deprecated", "missing", "security", "position",
)  # fmt: skip


def context(request: HttpRequest, endpoints: QuerySet[Endpoint], specs: QuerySet[OpenApiSpec]) -> dict[str, Any]:
    """What the table shows: `?q=&tag=&only=missing&page=`, grouped by document and tag."""
    chosen = {name: request.GET.get(name, "").replace("\x00", "").strip() for name in ("q", "tag", "only")}
    tags = list(catalogue.tags_with_counts(specs))
    rows: QuerySet[Any] = catalogue.by_tag(catalogue.search_endpoints(endpoints, chosen["q"]))
    if chosen["tag"].isdecimal() and len(chosen["tag"]) < 19:
        rows = rows.filter(tag_pk=int(chosen["tag"]))
    if chosen["only"] == "missing":
        rows = rows.exclude(missing=[])
    page: Page[Endpoint] = Paginator(rows.only(*_COLUMNS), ON_A_PAGE).get_page(request.GET.get("page"))
    titles = dict(specs.values_list("pk", "title"))
    before: tuple[int, str | None] | None = None
    for row in page.object_list:
        shown: Any = row
        group = (row.openapi_spec_id, shown.tag_name)
        shown.opens_group, before = group != before, group
        shown.spec_title = titles.get(row.openapi_spec_id, "") if len(titles) > 1 else ""
        shown.lacks = ", ".join(row.missing)
        shown.login = ", ".join(schemes_of(row.security))
    total, ready = endpoints.count(), catalogue.count_ready(endpoints)
    return {
        "page": page,
        "chosen": chosen,
        "tags": tags,
        "as_chips": len(tags) <= MOST_CHIPS,
        "total": total,
        "ready": ready,
        "not_ready": total - ready,
    }


def schemes_of(security: Iterable[Iterable[Mapping[str, Any]]]) -> list[str]:
    """The names of the security schemes that an endpoint mentions, each once."""
    return list(dict.fromkeys(str(one.get("scheme", "")) for choice in security for one in choice))


def in_full(row: Endpoint) -> dict[str, Any]:
    """Everything of one endpoint, ready for its page: parameters by place, bodies, security in words, its address."""
    schemes = {str(one.get("name")): one for one in row.openapi_spec.security_schemes}
    body = row.request_body or {}
    return {
        "endpoint": row,
        "parameters": row.parameters,
        "body": body,
        "contents": body.get("content", []),
        "security": [in_words(choice, schemes) for choice in row.security],
        "address": row.target_url,
        "lacks": ", ".join(row.missing),
    }


def in_words(choice: Iterable[Mapping[str, Any]], schemes: Mapping[str, Mapping[str, Any]]) -> str:
    """One alternative: every scheme of it has to be met; none at all means that no login is needed."""
    parts = []
    for one in choice:
        name = str(one.get("scheme", ""))
        kind = kind_in_words(schemes.get(name, {}))
        scopes = ", ".join(str(scope) for scope in one.get("scopes", ()))
        parts.append(f"{name}: {kind}" + (f" ({scopes})" if scopes else ""))
    return " + ".join(parts) or _("without a login")


def kind_in_words(scheme: Mapping[str, Any]) -> str:
    """What a security scheme asks for: `scheme` is one of `OpenApiSpec.security_schemes`."""
    kind, place, parameter = scheme.get("kind"), scheme.get("place"), scheme.get("parameter")
    if kind == "api_key":
        where = {"header": _("header"), "query": _("query parameter"), "cookie": _("cookie")}.get(str(place), place)
        return _("API key in the %(place)s “%(name)s”") % {"place": where, "name": parameter}
    if kind == "oauth2":
        return "OAuth 2.0"
    known = {"bearer": _("Bearer token"), "basic": _("user name and password"), "open_id": "OpenID Connect"}
    return str(known.get(str(kind), _("a way that is not known here")))
