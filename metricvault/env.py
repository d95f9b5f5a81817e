"""Reads environment variables and refuses odd values by name, so that a typing error never runs in silence."""

import ipaddress
import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from django.core.exceptions import ImproperlyConfigured
from limits import RateLimitItem

from metricvault.lib.rates import read_rate
from metricvault.lib.targets import check_rule


def env_text(name: str, default: str = "") -> str:
    """The variable, stripped; an empty one counts as not set."""
    return os.environ.get(name, "").strip() or default


def env_secret(name: str, default: str = "") -> str:
    """Like `env_text`, or what is in the file that `NAME_FILE` names (container secrets), without blanks and newlines
    around it. Both at once are refused: nobody could tell which one holds. An empty file counts as not set, but not
    where `default` would take its place: a default is never a secret."""
    path = os.environ.get(f"{name}_FILE", "").strip()
    if not path:
        return env_text(name, default)
    if env_text(name):
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set. Keep one of them.")
    try:
        value = Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE: {path} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError:
        raise ImproperlyConfigured(f"{name}_FILE: {path} is no text in UTF-8.") from None
    if default and not value:
        raise ImproperlyConfigured(f"{name}_FILE: {path} is empty.")
    return value


def env_bool(name: str, default: bool) -> bool:
    """true/false, yes/no, on/off, 1/0."""
    value = env_text(name).lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name}={value}: write true or false.")


def env_int(name: str, default: int, least: int = 0) -> int:
    """A whole number of at least `least`."""
    value = env_text(name)
    if not value:
        return default
    try:
        number = int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={value}: write a whole number.") from None
    if number < least:
        raise ImproperlyConfigured(f"{name}={value}: write a number of at least {least}.")
    return number


def env_float(name: str, default: float, *, or_zero: bool = False) -> float:
    """A number above zero; `or_zero`: or zero."""
    value = env_text(name)
    if not value:
        return default
    try:
        number = float(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={value}: write a number.") from None
    if not (number > 0 or (or_zero and number == 0)):
        raise ImproperlyConfigured(f"{name}={value}: write a number above 0{' or 0' if or_zero else ''}.")
    return number


def env_name(name: str, default: str) -> str:
    """Letters, digits, `_`, `-` and `.`: what may stand in another program's statement without quoting."""
    value = env_text(name, default)
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", value):
        raise ImproperlyConfigured(f"{name}={value}: write letters, digits, _, - and . only.")
    return value


def env_list(name: str, default: list[str]) -> list[str]:
    """Comma separated."""
    value = env_text(name)
    return [part.strip() for part in value.split(",") if part.strip()] if value else default


def env_targets(name: str, default: list[str]) -> list[str]:
    """Rules of `metricvault.lib.targets`, comma separated."""
    rules = env_list(name, default)
    for rule in rules:
        try:
            check_rule(rule)
        except ValueError:
            message = "write hosts such as api.example.com, api.example.com:8443, *.example.com, 10.0.0.0/8, or *."
            raise ImproperlyConfigured(f"{name}: {rule!r} is no host; {message}") from None
    return rules


def env_networks(name: str) -> list[str]:
    """IP addresses and networks (`10.0.3.7`, `10.0.3.0/28`), comma separated, none by default. Everything at once is
    refused: whoever is trusted may say where a request came from."""
    found = env_list(name, [])
    for one in found:
        try:
            network = ipaddress.ip_network(one)
        except ValueError:
            message = "write IP addresses or networks such as 10.0.3.7 or 10.0.3.0/28, with commas between."
            raise ImproperlyConfigured(f"{name}: {one!r} is none; {message}") from None
        if not network.prefixlen:
            raise ImproperlyConfigured(f"{name}: {one} is everybody; then anybody could forge an address.")
    return found


def env_rate(name: str, default: str) -> RateLimitItem | None:
    """How often something may happen, as "30/minute"; None for "off"."""
    value = env_text(name, default)
    try:
        return read_rate(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={value}: write, say, 30/minute, 1000 per 5 seconds, or off.") from None


def env_pairs(name: str) -> dict[str, str]:
    """`name=value` pairs, comma separated."""
    pairs = [part.partition("=") for part in env_list(name, [])]
    for key, sign, _value in pairs:
        if not (key and sign):
            raise ImproperlyConfigured(f"{name}: {key!r} is no pair; write name=value,name=value.")
    return {key.strip(): value.strip() for key, _sign, value in pairs}


def env_json(name: str, default: list[Any]) -> list[Any]:
    """A JSON list."""
    value = env_text(name)
    if not value:
        return default
    try:
        found = json.loads(value)
    except ValueError:
        found = None
    if not isinstance(found, list):
        raise ImproperlyConfigured(f"{name}: write a JSON list.")
    return found


def env_choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    """One of `choices`, in any case."""
    value = env_text(name, default)
    for choice in choices:
        if value.lower() == choice.lower():
            return choice
    raise ImproperlyConfigured(f"{name}={value}: write one of {', '.join(choices)}.")


def database_from_url(url: str) -> dict[str, Any]:
    """`postgresql://user:password@host:port/name?option=…` or `sqlite:///path` as Django's DATABASES entry."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": unquote(parts.path)}
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(f"DATABASE_URL: {parts.scheme}:// is not known; write postgresql:// or sqlite://.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


def with_password(url: str, password: str, name: str) -> str:
    """The address with `password` in it, which is the variable `name`. An address with another one is refused."""
    parts = urlsplit(url)
    if not url or not password or unquote(parts.password or "") == password:
        return url
    if parts.password:
        raise ImproperlyConfigured(f"{name} is set, and its address has another password. Keep one of them.")
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(
        netloc=f"{quote(unquote(parts.username or ''), safe='')}:{quote(password, safe='')}@{host}"
    ).geturl()


def env_url(name: str, *passwords: str) -> str:
    """The address of a server; where it has no password, with that of the first variable of `passwords` that is set."""
    url = env_secret(name)
    for password in passwords:
        if value := env_secret(password):
            return url if url.startswith("sqlite:") else with_password(url, value, password)
    return url


def redis_from_url(url: str) -> tuple[str, dict[str, Any]]:
    """`redis://`, `rediss://` or `unix://[user:password@]/path[?db=1]`, as the address of Celery's broker and as what
    redis.Redis() takes. `rediss://` needs `?ssl_cert_reqs=required` for Celery."""
    from redis.connection import parse_url

    scheme = urlsplit(url).scheme
    if scheme not in {"redis", "rediss", "unix"}:
        raise ImproperlyConfigured(f"REDIS_URL: {scheme}:// is not known; write redis://, rediss:// or unix://.")
    try:
        options: dict[str, Any] = dict(parse_url(url))
    except ValueError as error:
        raise ImproperlyConfigured(f"REDIS_URL: {error}.") from error
    options.pop("connection_class", None)
    if scheme == "rediss":
        options["ssl"] = True
    if scheme != "unix":
        return url, options
    options["unix_socket_path"] = path = options.pop("path")
    who = quote(options.get("username") or "", safe=""), quote(options.get("password") or "", safe="")
    login = f"{who[0]}:{who[1]}@" if any(who) else ""
    query = f"?{urlencode({'virtual_host': options['db']})}" if options.get("db") else ""
    return f"redis+socket://{login}{path}{query}", options
