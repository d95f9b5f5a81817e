"""Where requests go: servers of OpenAPI 3, schemes, host and basePath of Swagger 2.0."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from projects.openapi.parameters import text
from projects.openapi.wording import Warnings, gettext_noop

MOST_SERVERS = 50
LONGEST_URL = 2000
_VARIABLE = re.compile(r"\{([^{}]+)\}")
_LOCAL = ("localhost", "127.", "0.0.0.0", "10.", "192.168.", "[::1]")  # noqa: S104  # nosec B104  # a name that documents use
_LOGIN = re.compile(r"^((?:[a-z]+:)?//)[^/?#]*@", re.IGNORECASE)
_HAS_LOGIN = gettext_noop(
    "The server “%(url)s” has a login in its address. The login was left out: an environment takes it."
)
_NOT_HTTP = gettext_noop("The server “%(url)s” is not an http or https address. It was left out.")


@dataclass(frozen=True, slots=True)
class Server:
    """`url` can be used where it is absolute; `declared` is the document's word, variables filled in."""

    url: str
    declared: str
    description: str

    def as_dict(self) -> dict[str, str]:
        """What is kept in the database."""
        return {"url": self.url, "declared": self.declared, "description": self.description}


def servers_of(node: dict[str, Any], source_url: str, where: str, warnings: Warnings) -> tuple[Server, ...]:
    """The `servers` of a document, a path item or an operation; relative ones resolved against `source_url`."""
    entries = node.get("servers")
    if entries is not None and not isinstance(entries, list):
        warnings.add(where, gettext_noop("The servers are not a list. They were left out."))
        return ()
    found = []
    for entry in (entries or [])[:MOST_SERVERS]:
        if not isinstance(entry, dict) or not isinstance(entry.get("url"), str):
            warnings.add(where, gettext_noop("A server has no address. It was left out."))
            continue
        declared = _filled(entry, where, warnings)
        if len(declared) > LONGEST_URL or not _is_http(declared):
            warnings.add(where, _NOT_HTTP, url=_without_login(declared))
            continue
        if _LOGIN.match(declared):
            declared = _without_login(declared)
            warnings.add(where, _HAS_LOGIN, url=declared)
        found.append(Server(_absolute(declared, source_url), declared, text(entry.get("description"))))
    return tuple(found)


def _without_login(url: str) -> str:
    """Everybody who sees the project sees its addresses."""
    return _LOGIN.sub(r"\1", url)


def _filled(entry: dict[str, Any], where: str, warnings: Warnings) -> str:
    variables = entry.get("variables")
    variables = variables if isinstance(variables, dict) else {}

    def default(match: re.Match[str]) -> str:
        variable = variables.get(match.group(1))
        variable = variable if isinstance(variable, dict) else {}
        choices = variable.get("enum")
        value = variable.get("default", choices[0] if isinstance(choices, list) and choices else None)
        if value is None or isinstance(value, dict | list):
            warnings.add(where, gettext_noop("The server variable {%(name)s} has no default."), name=match.group(1))
            return match.group(0)
        return str(value)

    return _VARIABLE.sub(default, entry["url"].strip())


def _is_http(url: str) -> bool:
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        return False
    # "localhost:8080/api" parses as a scheme; what follows a real one is never a port
    return scheme in ("", "http", "https") or re.match(r"[^/:]+:\d+(/|$)", url) is not None


def _absolute(url: str, source_url: str) -> str:
    if re.match(r"[^/:]+:\d+(/|$)", url):
        return f"http://{url}" if url.startswith(_LOCAL) else f"https://{url}"
    if source_url:
        return urljoin(source_url, url) if url else urljoin(source_url, "/").rstrip("/")
    if url.startswith("//"):
        return ("http:" if url[2:].startswith(_LOCAL) else "https:") + url
    return url


def swagger_servers(document: dict[str, Any], source_url: str, warnings: Warnings) -> tuple[Server, ...]:
    """`schemes`, `host` and `basePath`; what is missing comes from `source_url`
    (https://spec.openapis.org/oas/v2.0#swagger-object)."""
    host, base_path = text(document.get("host")).strip(), text(document.get("basePath")).strip()
    if "://" in host:
        warnings.add("host", gettext_noop("The host holds a whole address. It was taken as it is."))
        host = host.partition("://")[2]
    host = host.strip("/")
    if "@" in host:
        host = host.rpartition("@")[2]
        warnings.add("host", _HAS_LOGIN, url=host)
    if base_path and not base_path.startswith("/"):
        base_path = "/" + base_path
    schemes = document.get("schemes")
    schemes = [name for name in schemes if name in ("http", "https")] if isinstance(schemes, list) else []
    if not host:
        return (Server(_absolute(base_path, source_url), base_path, ""),) if base_path or source_url else ()
    if not schemes:
        declared = f"//{host}{base_path}"
        return (Server(_absolute(declared, source_url), declared, ""),)
    return tuple(Server(url, url, "") for url in (f"{scheme}://{host}{base_path}" for scheme in schemes))


def chosen(servers: tuple[Server, ...]) -> str:
    """The first server that can be used as it is, else the first one, else ""."""
    for server in servers:
        if server.url.startswith(("http://", "https://")):
            return server.url
    return servers[0].url if servers else ""
