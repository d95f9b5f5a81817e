"""People, groups, sessions and locked logins in the administration."""

from typing import Any

from axes.models import AccessAttempt
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from projects import sessions, signing_in
from projects.account_views import password_link
from projects.models import ApiToken, Identity, LoginSession, Membership, Project


class BelongsInline(admin.TabularInline):
    model = Membership
    fk_name = "user"
    extra = 0
    autocomplete_fields = ["project"]


class IdentityInline(admin.TabularInline):
    """Who the person is at the provider of single sign-on; adding one lets that one in as this person."""

    model = Identity
    extra = 0


def _counted(rows: QuerySet[Any], of: str) -> Coalesce:
    per_person = rows.filter(**{of: OuterRef("pk")}).order_by().values(of).annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(per_person), 0)


def valid_tokens() -> QuerySet[ApiToken]:
    """API tokens that programs can show now."""
    return ApiToken.objects.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()), revoked_at=None)


admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class PersonAdmin(UserAdmin):
    """Whoever is no administrator themselves, and only may edit people, makes nobody an administrator."""

    list_display = [
        "username", "is_active", "is_superuser", "last_login", "projects", "tokens", "open_sessions", "email",
    ]  # fmt: skip
    list_filter = ["is_active", "is_superuser", "is_staff", "groups", ("last_login", admin.EmptyFieldListFilter)]
    inlines = [BelongsInline, IdentityInline]
    actions = ["deactivate", "activate", "make_password_link", "end_sessions"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return (
            super()
            .get_queryset(request)
            .annotate(
                owned=_counted(Project.objects.all(), "owner"),
                shared=_counted(Membership.objects.all(), "user"),
                token_total=_counted(valid_tokens(), "user"),
                session_total=_counted(LoginSession.objects.all(), "user"),
            )
        )

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        return list(self.inlines) if obj else []

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        found = super().get_readonly_fields(request, obj)
        if _is_administrator(request):
            return found
        return [*found, "is_staff", "is_superuser", "groups", "user_permissions"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or not obj.is_superuser or _is_administrator(request))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or not obj.is_superuser or _is_administrator(request))

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        answer = super().user_change_password(request, id, form_url)
        if request.method == "POST" and answer.status_code == 302:
            person = self.get_object(request, id)
            if person is not None and person != request.user:
                sessions.end_all(person)
        return answer

    @admin.display(description=_("projects"))
    def projects(self, person: User) -> int:
        return int(getattr(person, "owned", 0)) + int(getattr(person, "shared", 0))

    @admin.display(description=_("API tokens"), ordering="token_total")
    def tokens(self, person: User) -> int:
        return int(getattr(person, "token_total", 0))

    @admin.display(description=_("sessions"), ordering="session_total")
    def open_sessions(self, person: User) -> int:
        return int(getattr(person, "session_total", 0))

    @admin.action(description=_("Deactivate: no login, no API token, no session"), permissions=["change"])
    def deactivate(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        self._switch(request, chosen.filter(is_active=True).exclude(username=request.user.get_username()), to=False)

    @admin.action(description=_("Activate"), permissions=["change"])
    def activate(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        self._switch(request, chosen.filter(is_active=False), to=True)

    def _switch(self, request: HttpRequest, people: QuerySet[User], *, to: bool) -> None:
        changed = [person for person in people if self.has_change_permission(request, person)]
        for person in changed:
            person.is_active = to
            person.save(update_fields=["is_active"])  # its signal ends the sessions
            self.log_change(request, person, [{"changed": {"fields": ["is_active"]}}])
        said = ngettext("%(n)d person changed.", "%(n)d people changed.", len(changed)) % {"n": len(changed)}
        self.message_user(request, said, messages.SUCCESS if changed else messages.WARNING)

    @admin.action(description=_("Make a link to set a new password"), permissions=["change"])
    def make_password_link(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        for person in chosen.filter(is_active=True):
            if self.has_change_permission(request, person):
                said = _("For %(name)s, works once, to be handed over on a safe way: %(link)s")
                link = password_link(request, person)
                self.message_user(request, said % {"name": person.get_username(), "link": link})
                self.log_change(request, person, "made a link to set a new password")

    @admin.action(description=_("End all sessions"), permissions=["change"])
    def end_sessions(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        people = [person.pk for person in chosen if self.has_change_permission(request, person)]
        ended = sessions.end(LoginSession.objects.filter(user__in=people))
        _say_ended(self, request, ended)


def _is_administrator(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


def _say_ended(page: "admin.ModelAdmin[Any]", request: HttpRequest, ended: int) -> None:
    page.message_user(request, ngettext("%(n)d session ended.", "%(n)d sessions ended.", ended) % {"n": ended})


@admin.register(Group)
class PeopleGroupAdmin(GroupAdmin):
    list_display = ["name", "people"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        return super().get_queryset(request).annotate(person_total=Count("user"))

    @admin.display(description=_("people"), ordering="person_total")
    def people(self, group: Group) -> int:
        return int(getattr(group, "person_total", 0))


@admin.register(LoginSession)
class LoginSessionAdmin(admin.ModelAdmin):
    """Who is logged in from where; to end a session is to delete it."""

    list_display = ["user", "browser", "address", "way", "created_at", "seen_at"]
    list_filter = ["way", "seen_at"]
    list_select_related = ["user"]
    search_fields = ["user__username", "address"]
    actions = ["end_chosen"]

    @admin.display(description=_("browser"))
    def browser(self, row: LoginSession) -> str:
        return sessions.browser_in_words(row.user_agent)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: LoginSession) -> None:
        sessions.end(LoginSession.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[LoginSession]) -> None:
        sessions.end(queryset)

    @admin.action(description=_("End the chosen sessions"), permissions=["delete"])
    def end_chosen(self, request: HttpRequest, chosen: QuerySet[LoginSession]) -> None:
        _say_ended(self, request, sessions.end(chosen))


@admin.register(AccessAttempt)
class FailedLoginAdmin(admin.ModelAdmin):
    """Failed logins that still count; to forget them is to unlock."""

    list_display = ["username", "ip_address", "failures_since_start", "attempt_time", "locked"]
    search_fields = ["username", "ip_address"]
    actions = ["unlock"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[AccessAttempt]:
        return signing_in.counted_failures().order_by("-attempt_time", "-pk")

    @admin.display(description=_("locked"), boolean=True)
    def locked(self, row: AccessAttempt) -> bool:
        return signing_in.is_locked(row)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.action(description=_("Unlock: forget these failures"), permissions=["delete"])
    def unlock(self, request: HttpRequest, chosen: QuerySet[AccessAttempt]) -> None:
        gone = signing_in.unlock(chosen)
        self.message_user(request, ngettext("%(n)d entry forgotten.", "%(n)d entries forgotten.", gone) % {"n": gone})
