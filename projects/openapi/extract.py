"""A parsed document -> what the product keeps of it: servers, tags, endpoints in normal form, warnings.

Reads Swagger 2.0 and OpenAPI 3.0, 3.1 and 3.2. Everything wrong that one can live with is a warning;
`DocumentTooLarge` where a document describes more than a product of this kind can show.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from projects.openapi.bodies import Bodies, Body
from projects.openapi.examples import Examples
from projects.openapi.parameters import BODY_PLACES, Parameter, Parameters, merged, negotiated, text, undeclared
from projects.openapi.references import References
from projects.openapi.security import Alternatives, Scheme, Security
from projects.openapi.servers import Server, chosen, servers_of, swagger_servers
from projects.openapi.wording import DocumentTooLarge, Warning, Warnings, gettext_noop

UNTAGGED = "untagged"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
MOST_ENDPOINTS = 20_000
MOST_PARAMETERS = 400_000
MOST_TEXT = 50_000_000  # signs; the largest published documents have five million
LONGEST_PATH = 2000
LONGEST_TAG = 500
_KNOWN_VERSIONS = ("2.0", "3.0", "3.1", "3.2")
_IN_PATH = re.compile(r"\{([^{}]+)\}")
_AFTER_COLON = re.compile(r"/:([A-Za-z_][\w-]*)(?=/|$)")
_METHOD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}\Z")  # a token of RFC 9110, as long as the column


@dataclass(frozen=True, slots=True)
class TagInfo:
    """A tag that endpoints use. `untagged` marks the one that gathers the operations without any."""

    name: str
    description: str
    untagged: bool


@dataclass(frozen=True, slots=True)
class EndpointInfo:
    """One operation. `method` in upper case; `servers` are its own or its path's, () where the document's hold;
    `base_url` the one of them that is taken, "" where it is the document's. `security`: `projects.openapi.security`.
    """

    path: str
    method: str
    summary: str
    description: str
    operation_id: str
    deprecated: bool
    tags: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    request_body: Body | None
    base_url: str
    servers: tuple[Server, ...]
    security: Alternatives


@dataclass(frozen=True, slots=True)
class ApiDocument:
    """What is kept of a document. `base_url` is "" or relative where the document names no host; `webhooks` and
    `callbacks` are counts: what the API would call is nothing to call."""

    title: str
    version: str
    openapi_version: str
    description: str
    base_url: str
    servers: tuple[Server, ...]
    tags: tuple[TagInfo, ...]
    endpoints: tuple[EndpointInfo, ...]
    security_schemes: tuple[Scheme, ...]
    webhooks: int
    callbacks: int
    warnings: tuple[Warning, ...]


def extract_api(document: dict[str, Any], source_url: str = "") -> ApiDocument:
    """Reads a parsed document; `source_url` is where it came from, for what is written relative to it."""
    return _Extraction(document, source_url).result()


class _Extraction:
    def __init__(self, document: dict[str, Any], source_url: str) -> None:
        self._document = document
        self._source_url = source_url
        self._warnings = Warnings()
        self._references = References(document, self._warnings)
        self._examples = Examples(self._references)
        self._parameters = Parameters(self._examples)
        self._bodies = Bodies(self._references, self._examples, self._warnings)
        self._version = text(document.get("openapi", document.get("swagger"))).strip()
        # "1.2" with `paths` is a slip of the pen that is seen in the wild: its body is Swagger 2.0.
        self._is_swagger = "openapi" not in document and "swagger" in document
        self._security = Security(document, source_url, self._references, self._warnings)
        self._parameter_count = 0
        self._sizes: dict[int, int] = {}  # by id, of what the endpoints keep alive
        self._size = 0
        self._callbacks = 0
        self._base_url = ""

    def result(self) -> ApiDocument:
        info = self._info()
        if self._is_swagger:
            servers = swagger_servers(self._document, self._source_url, self._warnings)
        else:
            servers = servers_of(self._document, self._source_url, "servers", self._warnings)
            if not servers and self._source_url:
                servers = servers_of({"servers": [{"url": "/"}]}, self._source_url, "servers", self._warnings)
        self._base_url = chosen(servers)
        self._check_head()
        endpoints = tuple(self._endpoints())
        if self._examples.exhausted:
            self._warnings.add("", gettext_noop("The schemas are too large to make examples of them all."))
        webhooks = self._mapping(self._document.get("webhooks"), "webhooks")
        return ApiDocument(
            title=text(info.get("title")).strip(),
            version=text(info.get("version")).strip(),
            openapi_version=self._version,
            description=text(info.get("description")),
            base_url=self._base_url,
            servers=servers,
            tags=self._tags(endpoints),
            endpoints=endpoints,
            security_schemes=self._security.schemes(),
            webhooks=len(webhooks),
            callbacks=self._callbacks,
            warnings=self._warnings.all(),
        )

    def _info(self) -> dict[str, Any]:
        info = self._document.get("info")
        if not isinstance(info, dict):
            self._warnings.add("info", gettext_noop("The document has no title and no version."))
            return {}
        return info

    def _check_head(self) -> None:
        if self._version and not self._version.startswith(_KNOWN_VERSIONS):
            self._warnings.add(
                "openapi", gettext_noop("Version “%(version)s” is not known. It was read like the nearest known one."),
                version=self._version,
            )  # fmt: skip
        if not self._base_url.startswith(("http://", "https://")):
            self._warnings.add(
                "servers",
                gettext_noop("The document does not say where the API is. Set the base URL before the first run."),
            )

    def _mapping(self, value: Any, where: str) -> dict[str, Any]:
        if value is not None and not isinstance(value, dict):
            self._warnings.add(where, gettext_noop("“%(name)s” is not a mapping. It was left out."), name=where)
        return value if isinstance(value, dict) else {}

    def _endpoints(self) -> Iterator[EndpointInfo]:
        seen: set[tuple[str, str]] = set()
        for path, method, item, operation in self._operations():
            where = f"{method} {path}"
            if (path, method) in seen:
                self._warnings.add(where, gettext_noop("The operation is described twice. The first one counts."))
                continue
            seen.add((path, method))
            if len(seen) > MOST_ENDPOINTS:
                raise DocumentTooLarge(
                    gettext_noop("The document describes more than %(count)d operations. Import a part of it."),
                    count=MOST_ENDPOINTS,
                )
            endpoint = self._endpoint(path, method, item, operation, where)
            self._weigh(endpoint)
            yield endpoint

    def _weigh(self, endpoint: EndpointInfo) -> None:
        """References make little of a document much of an answer: one text of a megabyte, named by every operation."""
        shared = [*endpoint.parameters, endpoint.security, endpoint.servers]
        for part in shared:
            if id(part) not in self._sizes:
                self._sizes[id(part)] = len(repr(part))
            self._size += self._sizes[id(part)]
        self._size += len(endpoint.summary) + len(endpoint.description)
        body = endpoint.request_body
        self._size += len(body["description"]) + sum(len(one["text"]) for one in body["content"]) if body else 0
        if self._size > MOST_TEXT:
            raise DocumentTooLarge(
                gettext_noop(
                    "What the document says of its operations is larger than %(size)d MB. Import a part of it."
                ),
                size=MOST_TEXT // 1_000_000,
            )

    def _operations(self) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
        """Path, METHOD, path item, operation, in the order of the document."""
        paths = self._mapping(self._document.get("paths"), "paths")
        more = self._document.get("x-ms-paths")  # Azure: paths that differ in their query only
        for name, entry in [*paths.items(), *(more.items() if isinstance(more, dict) else ())]:
            if name.startswith("x-"):
                continue
            path = self._path(name)
            item = self._references.resolved(entry, name)
            if item is None:
                if not (isinstance(entry, dict) and "$ref" in entry):
                    self._warnings.add(name, gettext_noop("The path holds no operations."))
                continue
            if len(path) > LONGEST_PATH:
                self._warnings.add(
                    name,
                    gettext_noop("The path is longer than %(count)d characters. It was left out."),
                    count=LONGEST_PATH,
                )
                continue
            path = self._with_braces(path, item)
            for method, operation in self._methods(item, path):
                if isinstance(operation, dict):
                    yield path, method, item, operation
                else:
                    self._warnings.add(
                        f"{method} {path}", gettext_noop("The operation is not a mapping. It was left out.")
                    )

    def _path(self, name: str) -> str:
        if name.startswith("/"):
            return name
        self._warnings.add(name, gettext_noop("The path does not begin with “/”. It was read as if it did."))
        return "/" + name

    def _with_braces(self, path: str, item: dict[str, Any]) -> str:
        """`/apps/:key` as `/apps/{key}` where `key` is described as a path parameter: routers write it so."""
        names = set(_AFTER_COLON.findall(path))
        if not names:
            return path
        nodes = [item, *(operation for _, operation in self._methods(item, path) if isinstance(operation, dict))]
        described = set()
        for node in nodes:
            entries = node.get("parameters")
            for entry in entries if isinstance(entries, list) else ():
                found = self._references.resolved(entry, path)
                if found is not None and found.get("in") == "path":
                    described.add(text(found.get("name")))
        return _AFTER_COLON.sub(lambda m: f"/{{{m[1]}}}" if m[1] in described else m[0], path)

    def _methods(self, item: dict[str, Any], path: str) -> Iterator[tuple[str, Any]]:
        for key, operation in item.items():
            if key.lower() in METHODS:
                yield key.upper(), operation
        for key, operation in self._mapping(item.get("additionalOperations"), f"{path} additionalOperations").items():
            if _METHOD_NAME.match(key):
                yield key.upper(), operation
            else:
                self._warnings.add(path, gettext_noop("“%(name)s” is no HTTP method. It was left out."), name=key)

    def _endpoint(
        self, path: str, method: str, item: dict[str, Any], operation: dict[str, Any], where: str
    ) -> EndpointInfo:
        everything = merged(
            item.get("parameters"), operation.get("parameters"), self._references, where, self._warnings
        )
        self._parameter_count += len(everything)
        if self._parameter_count > MOST_PARAMETERS:
            raise DocumentTooLarge(
                gettext_noop("The document describes more than %(count)d parameters. Import a part of it."),
                count=MOST_PARAMETERS,
            )
        in_body = [entry for entry in everything if entry["in"] in BODY_PLACES]
        # Half-converted documents say OpenAPI 3 and still write bodies as Swagger 2.0 does.
        if self._is_swagger or (in_body and operation.get("requestBody") is None):
            body = self._bodies.of_swagger(in_body, self._consumes(operation), where)
        else:
            body = self._bodies.of_operation(operation, where)
        callbacks = operation.get("callbacks")
        self._callbacks += len(callbacks) if isinstance(callbacks, dict) else 0
        servers = self._own_servers(item, operation, where)
        return EndpointInfo(
            path=path,
            method=method,
            summary=text(operation.get("summary", item.get("summary"))),
            description=text(operation.get("description", item.get("description"))),
            operation_id=text(operation.get("operationId")),
            deprecated=operation.get("deprecated") is True,
            tags=self._tag_names(operation.get("tags"), where),
            parameters=self._normal_parameters(path, everything, body, where),
            request_body=body,
            base_url="" if chosen(servers) == self._base_url else chosen(servers),
            servers=servers,
            security=self._security.of_operation(operation, where),
        )

    def _normal_parameters(
        self, path: str, everything: list[dict[str, Any]], body: Body | None, where: str
    ) -> tuple[Parameter, ...]:
        found = [self._parameters.normal(entry, where) for entry in everything if entry["in"] not in BODY_PLACES]
        found = [negotiated(entry, body) for entry in found]
        described = {entry["name"] for entry in found if entry["in"] == "path"}
        named = list(dict.fromkeys(_IN_PATH.findall(path)))
        forgotten = [name for name in named if name not in described]
        if forgotten:
            names = ", ".join(f"{{{name}}}" for name in forgotten)
            self._warnings.add(
                where, gettext_noop("The document does not describe %(names)s. Give a value."), names=names
            )
            found += [undeclared(name) for name in forgotten]
        for name in sorted(described - set(named)):
            self._warnings.add(where, gettext_noop("The path has no place for the parameter “%(name)s”."), name=name)
        return tuple(found)

    def _consumes(self, operation: dict[str, Any]) -> list[str]:
        consumes = operation.get("consumes", self._document.get("consumes"))
        return [name for name in consumes if isinstance(name, str)] if isinstance(consumes, list) else []

    def _own_servers(self, item: dict[str, Any], operation: dict[str, Any], where: str) -> tuple[Server, ...]:
        """The operation's own servers, else its path's, else () for the document's."""
        for node in (operation, item):
            if not self._is_swagger and node.get("servers"):
                own = servers_of(node, self._source_url, where, self._warnings)
                if own:
                    return own
        return ()

    def _tag_names(self, tags: Any, where: str) -> tuple[str, ...]:
        if tags is not None and not isinstance(tags, list):
            self._warnings.add(where, gettext_noop("The tags are not a list. They were left out."))
            return ()
        names = dict.fromkeys(text(tag)[:LONGEST_TAG] for tag in tags or () if text(tag).strip())
        if tags and len(names) < len([tag for tag in tags if not isinstance(tag, str) or tag.strip()]):
            self._warnings.add(where, gettext_noop("A tag is written twice or is not a text."))
        return tuple(names)

    def _tags(self, endpoints: tuple[EndpointInfo, ...]) -> tuple[TagInfo, ...]:
        """The tags in use: declared ones in the document's order, others as they come, the untagged last."""
        used = {name for endpoint in endpoints for name in endpoint.tags}
        declared = self._document.get("tags")
        if declared is not None and not isinstance(declared, list):
            self._warnings.add("tags", gettext_noop("The tags are not a list. They were left out."))
            declared = None
        descriptions: dict[str, str] = {}
        for tag in declared or ():
            name = text(tag.get("name"))[:LONGEST_TAG] if isinstance(tag, dict) else ""
            if name in used:
                descriptions.setdefault(name, text(tag.get("description")) or text(tag.get("summary")))
        for endpoint in endpoints:
            for name in endpoint.tags:
                descriptions.setdefault(name, "")
        tags = [TagInfo(name, description, untagged=False) for name, description in descriptions.items()]
        if any(not endpoint.tags for endpoint in endpoints):
            name = UNTAGGED if UNTAGGED not in descriptions else f"{UNTAGGED} *"
            tags.append(TagInfo(name, "", untagged=True))
        return tuple(tags)
