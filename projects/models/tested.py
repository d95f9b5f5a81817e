"""What is tested: projects, their OpenAPI documents, tags and endpoints. Columns carry the ERD's names."""

from urllib.parse import urljoin

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Project(models.Model):
    title = models.CharField(_("title"), max_length=200)
    summary = models.CharField(_("summary"), max_length=500, blank=True)
    description = models.TextField(_("description"), blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="projects",
        verbose_name=_("owner"),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        db_table = "project"
        ordering = ["title", "id"]
        verbose_name = _("project")
        verbose_name_plural = _("projects")

    def __str__(self) -> str:
        return self.title


class OpenApiSpec(models.Model):
    """One imported OpenAPI or Swagger document. `document` is the text as it came."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="openapi_specs", verbose_name=_("project"))
    title = models.CharField(_("title"), max_length=500)
    version = models.CharField(_("version"), max_length=100, blank=True)
    base_url = models.CharField(_("base URL"), max_length=2000, blank=True)
    openapi_version = models.CharField(_("OpenAPI version"), max_length=20, blank=True)
    source_url = models.CharField(_("imported from"), max_length=2000, blank=True)
    document = models.TextField(_("document"), blank=True)
    document_hash = models.CharField(_("document hash (SHA-256)"), max_length=64, blank=True)
    servers = models.JSONField(_("servers"), default=list, blank=True)
    warnings = models.JSONField(_("warnings"), default=list, blank=True)
    security_schemes = models.JSONField(_("security schemes"), default=list, blank=True)
    webhooks = models.PositiveIntegerField(_("webhooks"), default=0)
    callbacks = models.PositiveIntegerField(_("callbacks"), default=0)
    sealed_headers = models.TextField(_("request headers, encrypted"), blank=True, editable=False)
    imported_at = models.DateTimeField(_("imported"), auto_now=True)

    class Meta:
        db_table = "openapi_spec"
        ordering = ["title", "id"]
        verbose_name = _("API document")
        verbose_name_plural = _("API documents")

    def __str__(self) -> str:
        return f"{self.title} {self.version}".strip()


class Tag(models.Model):
    """A tag of a document. The tag with `is_untagged` gathers the operations that name none."""

    openapi_spec = models.ForeignKey(OpenApiSpec, models.CASCADE, related_name="tags", verbose_name=_("API document"))
    name = models.CharField(_("name"), max_length=500)
    description = models.TextField(_("description"), blank=True)
    is_untagged = models.BooleanField(_("gathers operations without a tag"), default=False)
    position = models.PositiveIntegerField(_("position"), default=0)

    class Meta:
        db_table = "tag"
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["openapi_spec", "name"], name="tag_once")]
        verbose_name = _("tag")
        verbose_name_plural = _("tags")

    def __str__(self) -> str:
        return self.name


class CurrentEndpoints(models.Manager["Endpoint"]):
    """The endpoints that their documents still describe."""

    def get_queryset(self) -> models.QuerySet["Endpoint"]:
        return super().get_queryset().filter(removed_at=None)


class Endpoint(models.Model):
    """One operation: a method on a path. `parameters` and `request_body` are in the normal form of
    `projects.openapi.extract`; `missing` is what a request still lacks (`projects.openapi.readiness`).

    An endpoint that is gone from its document stays, with `removed_at`, as long as a plan or a result names it:
    `objects` and `spec.endpoints` leave it out, `everything` and foreign keys find it.
    """

    openapi_spec = models.ForeignKey(
        OpenApiSpec, models.CASCADE, related_name="endpoints", verbose_name=_("API document")
    )
    path = models.CharField(_("path"), max_length=2000)
    method = models.CharField(_("method"), max_length=40)
    summary = models.CharField(_("summary"), max_length=1000, blank=True)
    description = models.TextField(_("description"), blank=True)
    tags = models.ManyToManyField(Tag, related_name="endpoints", blank=True, verbose_name=_("tags"))
    operation_id = models.CharField(_("operation id"), max_length=500, blank=True)
    deprecated = models.BooleanField(_("deprecated"), default=False)
    parameters = models.JSONField(_("parameters"), default=list, blank=True)
    request_body = models.JSONField(_("request body"), null=True, blank=True)
    base_url = models.CharField(_("base URL of its own"), max_length=2000, blank=True)
    servers = models.JSONField(_("servers of its own"), default=list, blank=True)
    security = models.JSONField(_("security"), default=list, blank=True)
    missing = models.JSONField(_("values that are missing"), default=list, blank=True)
    position = models.PositiveIntegerField(_("position"), default=0)
    removed_at = models.DateTimeField(_("gone from the document since"), null=True, blank=True)

    objects = CurrentEndpoints()
    everything = models.Manager()  # noqa: DJ012 - a manager, too

    class Meta:
        db_table = "endpoint"
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["openapi_spec", "method", "path"], name="endpoint_once"),
        ]
        verbose_name = _("endpoint")
        verbose_name_plural = _("endpoints")

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def target_url(self) -> str:
        """The base address a request of this endpoint goes to: its own, which may be relative to the document's."""
        return urljoin(self.openapi_spec.base_url, self.base_url) if self.base_url else self.openapi_spec.base_url


class Validation(models.Model):
    """What openapi-spec-validator finds in the text of a document, looked for after its endpoints are there.

    `document_hash` is the text it is about; `findings` are dicts {"where", "template", "values"}.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("did not end")

    openapi_spec = models.OneToOneField(
        OpenApiSpec, models.CASCADE, related_name="validation", verbose_name=_("API document")
    )
    document_hash = models.CharField(_("document hash (SHA-256)"), max_length=64)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    changed_at = models.DateTimeField(_("changed"))
    findings = models.JSONField(_("findings"), default=list, blank=True)
    finding_count = models.PositiveIntegerField(_("findings in all"), default=0)
    problem = models.JSONField(_("why it did not end"), null=True, blank=True)

    class Meta:
        db_table = "document_validation"
        ordering = ["-changed_at", "-id"]
        verbose_name = _("validation")
        verbose_name_plural = _("validations")

    def __str__(self) -> str:
        return f"{self.openapi_spec} · {self.get_state_display()}"


class DocumentImport(models.Model):
    """An import that a person started on the page, from the request to its end.

    `payload` holds the bytes that were read until they are applied or given up, so that what is applied is what
    was shown; `document_hash` is their sum, `base_hash` that of the document they were compared with.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        FETCHING = "fetching", _("fetching")
        READING = "reading", _("reading")
        REVIEW = "review", _("waits for a look")
        APPLYING = "applying", _("applying")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        DISCARDED = "discarded", _("discarded")

    project = models.ForeignKey(Project, models.CASCADE, related_name="imports", verbose_name=_("project"))
    openapi_spec = models.ForeignKey(
        OpenApiSpec, models.SET_NULL, null=True, blank=True, related_name="imports", verbose_name=_("API document")
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("by")
    )
    field = models.CharField(_("kind of source"), max_length=20)  # openapi_url, file or document
    url = models.CharField(_("address"), max_length=2000, blank=True)
    name = models.CharField(_("file"), max_length=255, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    confirmed = models.BooleanField(_("confirmed"), default=False)
    sealed_headers = models.TextField(_("request headers, encrypted"), blank=True, editable=False)
    payload = models.BinaryField(_("bytes as they came"), null=True, blank=True, editable=False)
    charset = models.CharField(_("character set"), max_length=40, blank=True)
    found_url = models.CharField(_("address of the document"), max_length=2000, blank=True)
    size = models.PositiveIntegerField(_("bytes"), default=0)
    document_hash = models.CharField(_("hash of the bytes (SHA-256)"), max_length=64, blank=True)
    base_hash = models.CharField(_("hash of the document before"), max_length=64, blank=True)
    changes = models.JSONField(_("changes"), null=True, blank=True)
    message = models.TextField(_("message"), blank=True)
    created_at = models.DateTimeField(_("started"), auto_now_add=True)
    changed_at = models.DateTimeField(_("changed"))

    class Meta:
        db_table = "document_import"
        ordering = ["-id"]
        verbose_name = _("import")
        verbose_name_plural = _("imports")

    def __str__(self) -> str:
        return f"{self.url or self.name or self.field} · {self.get_state_display()}"


class Environment(models.Model):
    """Where a project's requests go, and as whom: staging, production.

    `headers`: list of {"name", "value"}; `variables`: list of {"name", "value", "secret"}; `credentials`: list of
    {"scheme", "kind", ...} (`projects.environments`). Secret values stand nowhere there ("secret": true), but in
    `sealed`, encrypted: an object of texts by reference ("variable:password", "credential:bearerAuth").
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="environments", verbose_name=_("project"))
    name = models.CharField(_("name"), max_length=100)
    base_url = models.CharField(_("base URL"), max_length=2000, blank=True)  # "": the document's
    headers = models.JSONField(_("headers"), default=list, blank=True)
    variables = models.JSONField(_("variables"), default=list, blank=True)
    credentials = models.JSONField(_("credentials"), default=list, blank=True)
    sealed = models.TextField(_("secrets, encrypted"), blank=True, editable=False)
    created_at = models.DateTimeField(_("made"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        db_table = "environment"
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="environment_once")]
        verbose_name = _("environment")
        verbose_name_plural = _("environments")

    def __str__(self) -> str:
        return self.name


class DataFile(models.Model):
    """An uploaded CSV whose columns go into requests, as `{{name.column}}`. Never changed: a new upload is a new row,
    and one that a plan or a result was made with stays until both are gone (`replaced_at`).

    `packed` is zlib over the JSON of its rows, a list of lists of texts, the header left out.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="data_files", verbose_name=_("project"))
    name = models.CharField(_("name"), max_length=60)  # [a-z][a-z0-9_]*
    file_name = models.CharField(_("file"), max_length=255, blank=True)
    columns = models.JSONField(_("columns"), default=list)
    row_count = models.PositiveIntegerField(_("rows"), default=0)
    encoding = models.CharField(_("encoding"), max_length=40, blank=True)
    size = models.PositiveIntegerField(_("bytes"), default=0)
    sha256 = models.CharField(_("hash of the rows (SHA-256)"), max_length=64)
    packed = models.BinaryField(_("rows, packed"), editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("by")
    )
    created_at = models.DateTimeField(_("uploaded"), auto_now_add=True)
    replaced_at = models.DateTimeField(_("replaced"), null=True, blank=True)

    class Meta:
        db_table = "data_file"
        ordering = ["name", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name"], condition=models.Q(replaced_at=None), name="data_file_once"
            )
        ]
        verbose_name = _("data file")
        verbose_name_plural = _("data files")

    def __str__(self) -> str:
        return self.name
