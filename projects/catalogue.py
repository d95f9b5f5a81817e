"""Reading projects and endpoints: lists with their counts, searches, and what may be deleted when."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from metricvault.lib.errors import Conflict, Missing
from projects import audit
from projects.access import Person, project_scope
from projects.models import Endpoint, OpenApiSpec, Project, Tag

LONGEST_SEARCH = 200


def with_counts(projects: QuerySet[Project]) -> QuerySet[Project]:
    """Adds `spec_count`, `endpoint_count`, `plan_count` and `run_count`, each counted on its own."""
    endpoints = Endpoint.objects.filter(openapi_spec__project=OuterRef("pk")).order_by()
    return projects.annotate(
        spec_count=_count("openapi_specs"),
        endpoint_count=_as_count(endpoints.values("openapi_spec__project").annotate(n=Count("pk"))),
        plan_count=_count("plans"),
        run_count=_count("test_histories", deleted_at=None),
    )


def _count(relation: str, **wanted: Any) -> Coalesce:
    # By the relation's name: this app may not import the apps that stand on it.
    model: Any = Project._meta.get_field(relation).related_model
    rows = model._default_manager.filter(project=OuterRef("pk"), **wanted).order_by()
    return _as_count(rows.values("project").annotate(n=Count("pk")))


def _as_count(rows: QuerySet[Any, Any]) -> Coalesce:
    return Coalesce(Subquery(rows.values("n"), output_field=IntegerField()), 0)


def search_projects(projects: QuerySet[Project], text: str) -> QuerySet[Project]:
    """Those whose title, summary or description holds every word of `text`."""
    for word in words(text):
        projects = projects.filter(
            Q(title__icontains=word) | Q(summary__icontains=word) | Q(description__icontains=word)
        )
    return projects


def search_endpoints(endpoints: QuerySet[Endpoint], text: str) -> QuerySet[Endpoint]:
    """Those that hold every word of `text` in method, path, summary, operation id or a tag's name."""
    for word in words(text):
        tagged = Endpoint.tags.through.objects.filter(tag__name__icontains=word).values("endpoint_id")
        endpoints = endpoints.filter(
            Q(path__icontains=word)
            | Q(summary__icontains=word)
            | Q(operation_id__icontains=word)
            | Q(method__iexact=word)
            | Q(pk__in=tagged)
        )
    return endpoints


def words(text: str) -> list[str]:
    """The words of a search; NUL, which no database takes, counts as a space."""
    return text.replace("\x00", " ")[:LONGEST_SEARCH].split()


def visible_specs(user: Person) -> QuerySet[OpenApiSpec]:
    """The documents of the projects that `user` may see, without their text."""
    return OpenApiSpec.objects.filter(project_scope(user, "project__")).select_related("project").defer("document")


def get_spec(user: Person, pk: int) -> OpenApiSpec:
    """The document, or `Missing`."""
    spec = visible_specs(user).filter(pk=pk).first()
    if spec is None:
        raise Missing(_("There is no API document %(id)s.") % {"id": pk})
    return spec


def visible_endpoints(user: Person) -> QuerySet[Endpoint]:
    """The endpoints of the projects that `user` may see."""
    if isinstance(user, AnonymousUser):
        return Endpoint.objects.none()
    return Endpoint.objects.filter(project_scope(user, "openapi_spec__project__"))


def tags_with_counts(specs: Iterable[OpenApiSpec] | QuerySet[OpenApiSpec]) -> QuerySet[Tag]:
    """The tags of `specs` in their order, each with `endpoint_count`."""
    tags = Tag.objects.filter(openapi_spec__in=specs).annotate(endpoint_count=Count("endpoints"))
    return tags.order_by("openapi_spec_id", "position", "id")


def endpoint_count() -> Count:
    """For annotating documents: how many endpoints they describe."""
    return Count("endpoints", filter=Q(endpoints__removed_at=None))


def count_ready(endpoints: QuerySet[Endpoint]) -> int:
    """How many endpoints can be put under load as they are: every required value is known."""
    return endpoints.filter(missing=[]).count()


def get_endpoint(user: Person, pk: int) -> Endpoint:
    """The endpoint with its document, also one that is gone from it; or `Missing`."""
    visible = Endpoint.everything.filter(project_scope(user, "openapi_spec__project__"), pk=pk)
    found = visible.select_related("openapi_spec__project").defer("openapi_spec__document").first()
    if found is None:
        raise Missing(_("There is no endpoint %(id)s.") % {"id": pk})
    return found


def by_tag(endpoints: QuerySet[Endpoint]) -> QuerySet[Endpoint]:
    """One row for each tag of each endpoint, with `tag_pk`, `tag_name` and `tag_is_untagged`, document by document."""
    return endpoints.annotate(
        tag_pk=F("tags__id"), tag_name=F("tags__name"), tag_is_untagged=F("tags__is_untagged")
    ).order_by("openapi_spec__title", "openapi_spec_id", "tags__position", "tags__id", "position", "id")


def delete_project(project: Project) -> None:
    """Deletes the project with its documents, plans and results; `Conflict` while a run of it is active."""
    with transaction.atomic():
        if project.test_histories.filter(is_completed=False).exists():
            raise Conflict(_("A run of this project is active. Stop it or wait for its end, then delete the project."))
        counts = {"plans": project.plans.count(), "runs": project.test_histories.count()}
        audit.record(audit.Action.DELETED, project, before={"owner": project.owner, **counts})
        project.delete()
