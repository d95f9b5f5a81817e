"""Whom single sign-on lets in, and as whom.

A person is who their provider says they are by `iss` and `sub`, which a provider never gives to somebody else. Neither
an e-mail address nor a user name is matched: both can be had by somebody else, there or here. So a user name that an
account of this copy has is refused until an administrator adds the identity to that account.
"""

import unicodedata
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from metricvault.lib.errors import NotAllowed
from projects.audit import Action, differences, record
from projects.models import Identity

# What a provider tells of a person: our column, its claim (OpenID Connect Core 5.1), and how long it can be.
_TOLD = (("first_name", "given_name", 150), ("last_name", "family_name", 150), ("email", "email", 254))
_FOLLOWED = ("first_name", "last_name", "email", "is_staff", "is_superuser")


def arrive(issuer: str, claims: dict[str, Any]) -> User:
    """The person, made at their first login; name, e-mail and (where groups decide) rights follow the provider.

    `claims`: verified. `NotAllowed` with a sentence for whoever may not come in.
    """
    subject = str(claims["sub"])
    _check_belonging(claims)
    with transaction.atomic():
        known = Identity.objects.select_related("user").filter(issuer=issuer, subject=subject).first()
        user = known.user if known else _make(issuer, subject, claims)
        if not user.is_active:
            raise NotAllowed(_("This account is deactivated. Ask an administrator."))
        _follow(user, claims)
    return user


def _check_belonging(claims: dict[str, Any]) -> None:
    asked = settings.METRICVAULT_OIDC
    groups = groups_of(claims)
    if asked["allowed_groups"] not in ([], ["*"]) and not groups & {*asked["allowed_groups"], *asked["admin_groups"]}:
        raise NotAllowed(_("You are in none of the groups that may use Metric Vault. Ask an administrator."))
    if not asked["allowed_domains"]:
        return
    verified = str(claims.get("email_verified", "")).lower() == "true"
    domain = str(claims.get("email", "")).rpartition("@")[2].lower()
    if not verified or domain not in {one.lower() for one in asked["allowed_domains"]}:
        raise NotAllowed(_("Your e-mail address is of no domain that may use Metric Vault, or is not verified."))


def groups_of(claims: dict[str, Any]) -> set[str]:
    """The groups that the claim names: a list, or one word. "realm_access.roles" leads into an object."""
    found: Any = claims
    for part in str(settings.METRICVAULT_OIDC["groups_claim"]).split("."):
        found = found.get(part) if isinstance(found, dict) else None
    if isinstance(found, str):
        return {found}
    return {one for one in found if isinstance(one, str)} if isinstance(found, list) else set()


def _make(issuer: str, subject: str, claims: dict[str, Any]) -> User:
    name = _user_name(claims)
    taken = _("There is an account “%(name)s” here already. If it is yours, ask an administrator to add this "
              "identity to it: %(subject)s") % {"name": name, "subject": subject}  # fmt: skip
    if User.objects.filter(username__iexact=name).exists():
        raise NotAllowed(taken)
    user = User(username=name)
    user.set_unusable_password()
    try:
        with transaction.atomic():
            user.save()
            Identity.objects.create(user=user, issuer=issuer, subject=subject)
    except IntegrityError as error:
        raise NotAllowed(taken) from error
    record(Action.CREATED, user, actor=user, detail="first login by single sign-on")
    return user


def _user_name(claims: dict[str, Any]) -> str:
    asked = str(settings.METRICVAULT_OIDC["username_claim"])
    found = next((claims[name] for name in (asked, "preferred_username", "email") if claims.get(name)), claims["sub"])
    name = unicodedata.normalize("NFKC", str(found)).strip()
    try:
        if not 0 < len(name) <= 150:
            raise ValidationError("length")
        UnicodeUsernameValidator()(name)
    except ValidationError as error:
        raise NotAllowed(
            _("The provider's user name “%(name)s” cannot be one here: letters, digits and @ . + - _, at most 150.")
            % {"name": name[:150]}
        ) from error
    return name


def _follow(user: User, claims: dict[str, Any]) -> None:
    before = {name: getattr(user, name) for name in _FOLLOWED}
    for field, claim, limit in _TOLD:
        if isinstance(claims.get(claim), str):
            setattr(user, field, claims[claim][:limit])
    admin_groups = settings.METRICVAULT_OIDC["admin_groups"]
    if admin_groups:
        user.is_staff = user.is_superuser = bool(groups_of(claims) & set(admin_groups))
    was, now = differences(before, {name: getattr(user, name) for name in _FOLLOWED})
    if now:
        user.save(update_fields=list(now))
        record(Action.CHANGED, user, actor=user, before=was, after=now, detail="as the provider says")
