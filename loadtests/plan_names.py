"""The endpoints, environments and data files of one project by name, as plan files speak of them."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from metricvault.lib.errors import Refused
from projects.models import DataFile, Endpoint, Project

_HEAVY = ("openapi_spec__document", "openapi_spec__warnings", "openapi_spec__servers", "description")
_MOST_COMPARED = 2000  # names that a misspelt one is compared with


class Names:
    """Of one project; each kind is asked for once."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._endpoints: dict[int, Endpoint] = {}
        self._by_name: dict[str, list[Endpoint]] = {}

    @cached_property
    def environments(self) -> dict[str, int]:
        """Keys by name."""
        return dict(self.project.environments.order_by("name").values_list("name", "pk"))

    @cached_property
    def data_files(self) -> set[str]:
        """The names of those that are there now."""
        return set(DataFile.objects.filter(project=self.project, replaced_at=None).values_list("name", flat=True))

    def find_endpoints(self, keys: Iterable[int]) -> None:
        """Fetches endpoints by key, and all of the project that share their names."""
        wanted = Endpoint.everything.filter(openapi_spec__project=self.project, pk__in=set(keys))
        self._endpoints = {one.pk: one for one in wanted.select_related("openapi_spec").defer(*_HEAVY)}
        self.look_up(str(one) for one in self._endpoints.values())

    def look_up(self, names: Iterable[Any]) -> None:
        """Fetches the endpoints of the project that are called so: `GET /items`."""
        wanted = {_split(name) for name in names if isinstance(name, str)}
        rows = Endpoint.objects.filter(openapi_spec__project=self.project, path__in={path for _method, path in wanted})
        self._by_name = {}
        for one in rows.select_related("openapi_spec").defer(*_HEAVY).order_by("openapi_spec_id", "pk"):
            self._by_name.setdefault(str(one), []).append(one)

    def endpoint(self, key: int | None) -> Endpoint | None:
        """One of those that `find_endpoints` was asked for."""
        return self._endpoints.get(key or 0)

    def written_endpoint(self, key: int) -> dict[str, str]:
        """What a file says of an endpoint; its document where the name alone does not tell which is meant."""
        endpoint = self._endpoints.get(key)
        if endpoint is None:
            raise Refused(_("There is no endpoint %(id)s in this project. Choose another one.") % {"id": key})
        others = {one.openapi_spec for one in self._by_name.get(str(endpoint), ())} | {endpoint.openapi_spec}
        if len(others) == 1:
            return {"endpoint": str(endpoint)}
        titles = [spec.title for spec in others]
        spec = endpoint.openapi_spec
        return {"endpoint": str(endpoint), "document": spec.title if titles.count(spec.title) == 1 else str(spec)}

    def key(self, name: Any, document: Any) -> int:
        """The key of the endpoint that is called so. Raises Refused with a sentence."""
        if not isinstance(name, str) or not isinstance(document, str | None):
            raise Refused(_("Write an endpoint as its method and path, such as GET /items."))
        method, path = _split(name)
        found = self._by_name.get(f"{method} {path}", [])
        if document is not None:
            found = [one for one in found if document in (one.openapi_spec.title, str(one.openapi_spec))]
        if len(found) == 1:
            return found[0].pk
        if found:
            titles = ", ".join(f"“{one.openapi_spec}”" for one in found)
            message = _("Several documents have %(name)s. Write which one as document: %(titles)s.")
            raise Refused(message % {"name": f"{method} {path}", "titles": titles})
        raise Refused(self._not_found(f"{method} {path}", document))

    def _not_found(self, name: str, document: str | None) -> str:
        words = {"name": name[:200], "document": document}
        if document is not None:
            return _("There is no endpoint “%(name)s” in a document “%(document)s” of this project.") % words
        near = get_close_matches(name, self._all_names, 1, 0.8)
        if near:
            message = _("There is no endpoint “%(name)s” in this project. Is “%(near)s” meant?")
            return message % {**words, "near": near[0]}
        return _("There is no endpoint “%(name)s” in this project. Import its API document first.") % words

    @cached_property
    def _all_names(self) -> list[str]:
        rows = Endpoint.objects.filter(openapi_spec__project=self.project).values_list("method", "path")
        return [f"{method} {path}" for method, path in rows[:_MOST_COMPARED]]


def _split(name: str) -> tuple[str, str]:
    method, _blank, path = name.strip().partition(" ")
    return method.upper(), path.strip()
