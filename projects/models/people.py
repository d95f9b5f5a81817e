"""Who comes in, as what, and what they did: roles, tokens, sessions, the audit."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from projects.models.tested import Project
from projects.models.unchanging import UnchangingRow


class Membership(models.Model):
    """A person's part in a project. The owner needs no row."""

    class Role(models.TextChoices):
        MEMBER = "member", _("Member: builds and runs tests")
        READER = "reader", _("Reader: looks only")

    project = models.ForeignKey(Project, models.CASCADE, related_name="memberships", verbose_name=_("project"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships", verbose_name=_("person")
    )
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.MEMBER)

    class Meta:
        db_table = "project_membership"
        constraints = [models.UniqueConstraint(fields=["project", "user"], name="membership_once")]
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")

    def __str__(self) -> str:
        return f"{self.user} · {self.project}"


class ApiToken(models.Model):
    """What a program shows instead of a login. Its text is told once; only its hash is kept (`projects.api_tokens`)."""

    class Scope(models.TextChoices):
        READ = "read", _("Read")
        RUN = "run", _("Read and run")
        ADMIN = "admin", _("Everything its person may do")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens", verbose_name=_("person")
    )
    name = models.CharField(_("name"), max_length=100)
    scope = models.CharField(_("may"), max_length=5, choices=Scope.choices, default=Scope.READ)
    project = models.ForeignKey(
        Project, models.CASCADE, null=True, blank=True, related_name="api_tokens", verbose_name=_("only in project")
    )
    begins = models.CharField(_("begins with"), max_length=12)
    digest = models.CharField(_("hash (SHA-256)"), max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("made"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    last_used_from = models.GenericIPAddressField(_("last used from"), null=True, blank=True)

    class Meta:
        db_table = "api_token"
        ordering = ["-created_at", "-id"]
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return f"{self.name} ({self.begins}…)"


class LoginSession(models.Model):
    """A session of a person who logged in with a browser (`projects.sessions`). Its row goes where the session ends."""

    class Way(models.TextChoices):
        PASSWORD = "password", _("Password")
        OIDC = "oidc", _("Single sign-on")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="login_sessions", verbose_name=_("person")
    )
    session_key = models.CharField(_("session"), max_length=40, unique=True, editable=False)
    way = models.CharField(_("logged in by"), max_length=10, choices=Way.choices, default=Way.PASSWORD)
    address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    user_agent = models.CharField(_("browser"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("logged in"), auto_now_add=True)
    seen_at = models.DateTimeField(_("last seen"))

    class Meta:
        db_table = "login_session"
        ordering = ["-seen_at", "-id"]
        verbose_name = _("session")
        verbose_name_plural = _("sessions")

    def __str__(self) -> str:
        return f"{self.user} · {self.address or '-'}"


class Identity(models.Model):
    """Who a person is at a provider of single sign-on: the name that it has for them alone (OpenID Connect Core,
    section 2: `iss` and `sub`). Only these two are matched at a login (`projects.oidc`)."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="identities", verbose_name=_("person")
    )
    issuer = models.CharField(_("provider"), max_length=300)
    subject = models.CharField(_("subject"), max_length=255)
    created_at = models.DateTimeField(_("made"), auto_now_add=True)

    class Meta:
        db_table = "login_identity"
        constraints = [models.UniqueConstraint(fields=["issuer", "subject"], name="identity_once")]
        verbose_name = _("identity at a provider")
        verbose_name_plural = _("identities at providers")

    def __str__(self) -> str:
        return f"{self.issuer} · {self.subject}"


class AuditEntry(UnchangingRow):
    """Something that somebody did, or was refused. Written once (`projects.audit`), never changed; it outlives the
    person, the project and the object that it names, so those are kept as texts and numbers, too.

    `before`, `after`: objects of what differs, by field, without secrets; null where there is nothing to say.
    """

    class Action(models.TextChoices):
        CREATED = "created", _("created")
        CHANGED = "changed", _("changed")
        DELETED = "deleted", _("deleted")
        RESTORED = "restored", _("restored")
        STARTED = "started", _("started")
        STOPPED = "stopped", _("stopped")
        IMPORTED = "imported", _("imported")
        EXPORTED = "exported", _("exported")
        LOGGED_IN = "logged_in", _("logged in")
        LOGGED_OUT = "logged_out", _("logged out")
        REFUSED = "refused", _("was refused")
        ASKED = "asked", _("asked for approval")
        APPROVED = "approved", _("approved")
        DENIED = "denied", _("denied")

    class Way(models.TextChoices):
        PAGE = "page", _("Page")
        API = "api", _("API")
        ADMIN = "admin", _("Administration")
        COMMAND = "command", _("Command")
        PRODUCT = "product", _("Metric Vault itself")

    at = models.DateTimeField(_("time"))
    action = models.CharField(_("action"), max_length=12, choices=Action.choices)
    way = models.CharField(_("by"), max_length=8, choices=Way.choices)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("person")
    )
    actor_name = models.CharField(_("name"), max_length=150, blank=True)  # a refused login: the name that was tried
    token_name = models.CharField(_("API token"), max_length=100, blank=True)
    address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    request_id = models.CharField(_("request"), max_length=64, blank=True)
    kind = models.CharField(_("kind of object"), max_length=40, blank=True)  # the model's name: "testhistory"
    object_id = models.CharField(_("object's number"), max_length=40, blank=True)
    object_name = models.CharField(_("object"), max_length=300, blank=True)
    project = models.ForeignKey(
        Project, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("project")
    )
    project_title = models.CharField(_("project's title"), max_length=200, blank=True)
    before = models.JSONField(_("before"), null=True, blank=True)
    after = models.JSONField(_("after"), null=True, blank=True)
    detail = models.CharField(_("more"), max_length=1000, blank=True)

    class Meta:
        db_table = "audit_entry"
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["-at", "-id"], name="audit_by_time")]
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit")

    def __str__(self) -> str:
        return f"{self.actor_name or '-'} · {self.get_action_display()} · {self.object_name}"
