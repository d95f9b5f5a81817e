"""One settings file; the environment chooses. docs/architecture.md lists every variable."""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from metricvault import __version__
from metricvault.env import (
    database_from_url,
    env_bool,
    env_choice,
    env_float,
    env_int,
    env_json,
    env_list,
    env_name,
    env_networks,
    env_pairs,
    env_rate,
    env_secret,
    env_targets,
    env_text,
    redis_from_url,
    with_password,
)

BASE_DIR = Path(__file__).resolve().parent.parent
TESTING = "pytest" in sys.modules
VERSION = __version__

# Where this copy keeps what it makes: two copies with two data folders do not meet.
METRICVAULT_DATA_DIR = Path(env_text("METRICVAULT_DATA_DIR", str(BASE_DIR / ".data"))).resolve()
METRICVAULT_OPEN_ACCESS = env_bool("METRICVAULT_OPEN_ACCESS", False)
METRICVAULT_BIND = env_text("METRICVAULT_BIND", "127.0.0.1")
PORT = env_int("PORT", 8000, 1)

DEBUG = env_bool("DEBUG", False)
_LOCAL_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
ALLOWED_HOSTS = _LOCAL_HOSTS if METRICVAULT_OPEN_ACCESS else env_list("ALLOWED_HOSTS", _LOCAL_HOSTS)
INSECURE_SECRET_KEY = "insecure: for one machine and for tests only"  # noqa: S105
SECRET_KEY = env_secret("SECRET_KEY", INSECURE_SECRET_KEY)
SECRET_KEY_FALLBACKS = env_secret("SECRET_KEY_FALLBACKS").split()  # older keys: read, no longer used for what is new
# What seals secrets (projects.sealing); without one SECRET_KEY does, and what it sealed is read in any case.
METRICVAULT_ENCRYPTION_KEY = env_secret("METRICVAULT_ENCRYPTION_KEY")
METRICVAULT_ENCRYPTION_KEY_FALLBACKS = env_secret("METRICVAULT_ENCRYPTION_KEY_FALLBACKS").split()
METRICVAULT_METRICS_TOKEN = env_secret("METRICVAULT_METRICS_TOKEN")
# Proxies whose word on a client's address and scheme is taken; metricvault.supervise.programs tells uvicorn.
METRICVAULT_TRUSTED_PROXIES = env_networks("METRICVAULT_TRUSTED_PROXIES")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS", [])

# People: failures of a login that are borne, of a name from one address, of an address, and of a name from anywhere.
METRICVAULT_LOGIN_LIMITS = (
    env_int("METRICVAULT_LOGIN_FAILURES", 5, 1),
    env_int("METRICVAULT_LOGIN_ADDRESS_FAILURES", 50, 1),
    env_int("METRICVAULT_LOGIN_NAME_FAILURES", 100, 1),
)
METRICVAULT_LOGIN_COOL_OFF_MINUTES = env_float("METRICVAULT_LOGIN_COOL_OFF_MINUTES", 15)
METRICVAULT_SESSION_HOURS = env_float("METRICVAULT_SESSION_HOURS", 14 * 24)
# Single sign-on by OpenID Connect; docs/accounts.md. Without an issuer there is none.
METRICVAULT_OIDC: dict[str, Any] = {
    "issuer": env_text("METRICVAULT_OIDC_ISSUER"),
    "client_id": env_text("METRICVAULT_OIDC_CLIENT_ID"),
    "client_secret": env_secret("METRICVAULT_OIDC_CLIENT_SECRET"),
    "name": env_text("METRICVAULT_OIDC_NAME"),  # on the button
    "scopes": env_text("METRICVAULT_OIDC_SCOPES", "openid profile email"),
    "username_claim": env_text("METRICVAULT_OIDC_USERNAME_CLAIM", "preferred_username"),
    "groups_claim": env_text("METRICVAULT_OIDC_GROUPS_CLAIM", "groups"),
    "admin_groups": env_list("METRICVAULT_OIDC_ADMIN_GROUPS", []),
    "allowed_groups": env_list("METRICVAULT_OIDC_ALLOWED_GROUPS", []),
    "allowed_domains": env_list("METRICVAULT_OIDC_ALLOWED_DOMAINS", []),
    "session_hours": env_float("METRICVAULT_OIDC_SESSION_HOURS", 12),
}

# How long results are kept, in days; 0 keeps them for ever. Pinned runs are kept whatever is set.
METRICVAULT_RUN_DAYS = env_int("METRICVAULT_RUN_DAYS", 0)
METRICVAULT_AUDIT_DAYS = env_int("METRICVAULT_AUDIT_DAYS", 730)  # how long the audit is kept; 0: for ever
METRICVAULT_TRASH_HOURS = env_int("METRICVAULT_TRASH_HOURS", 24, 1)  # how long deleted runs can be brought back
METRICVAULT_SNAPSHOT_DAYS = env_int("METRICVAULT_SNAPSHOT_DAYS", 14)
METRICVAULT_SECOND_DAYS = env_int("METRICVAULT_SECOND_DAYS", 730)  # what InfluxDB shows to other programs

# The load: how it is made, where its numbers go.
METRICVAULT_RUNNER = env_choice("METRICVAULT_RUNNER", "local", ("local", "kubernetes"))
METRICVAULT_METRICS_STORE = env_choice("METRICVAULT_METRICS_STORE", "database", ("database", "influxdb"))
INFLUXDB = {
    "host": env_text("INFLUXDB_HOST", "localhost"),
    "port": env_int("INFLUXDB_PORT", 8086, 1),
    "database": env_name("INFLUXDB_DATABASE", "k6"),
    "user": env_text("INFLUXDB_USER"),
    "password": env_secret("INFLUXDB_PASSWORD"),
    "ssl": env_bool("INFLUXDB_SSL", False),
    "snapshot_days": METRICVAULT_SNAPSHOT_DAYS,
    "second_days": METRICVAULT_SECOND_DAYS,
}
METRICVAULT_K6_BINARY = env_text("METRICVAULT_K6_BINARY")
METRICVAULT_K6_DASHBOARD = env_bool("METRICVAULT_K6_DASHBOARD", False)  # of plans that do not say
METRICVAULT_MAX_VUS = env_int("METRICVAULT_MAX_VUS", 10_000, 1)
METRICVAULT_MAX_RATE = env_int("METRICVAULT_MAX_RATE", 50_000, 1)  # iterations per second
# What all runs together may ask for at the same time (loadtests.crowding).
METRICVAULT_MAX_RUNS = env_int("METRICVAULT_MAX_RUNS", 50, 1)
METRICVAULT_MAX_PROJECT_RUNS = env_int("METRICVAULT_MAX_PROJECT_RUNS", 20, 1)  # of one project
METRICVAULT_MAX_TOTAL_VUS = env_int("METRICVAULT_MAX_TOTAL_VUS", 2 * METRICVAULT_MAX_VUS, 1)
METRICVAULT_MAX_TOTAL_RATE = env_int("METRICVAULT_MAX_TOTAL_RATE", 2 * METRICVAULT_MAX_RATE, 1)
METRICVAULT_DROPPED_BUDGET = env_float("METRICVAULT_DROPPED_BUDGET", 1, or_zero=True)  # percent; beyond: invalid
# Hosts that load may go to (metricvault.lib.targets). For oneself on one machine: all; elsewhere an administrator says.
_ANYWHERE = ["*"] if METRICVAULT_OPEN_ACCESS or TESTING else []
METRICVAULT_ALLOWED_TARGETS = env_targets("METRICVAULT_ALLOWED_TARGETS", _ANYWHERE)
METRICVAULT_IMPORT_PRIVATE = env_bool("METRICVAULT_IMPORT_PRIVATE", METRICVAULT_OPEN_ACCESS)
METRICVAULT_MAX_STREAMS = env_int("METRICVAULT_MAX_STREAMS", 2000, 1)  # live pages a web process serves
METRICVAULT_MAX_USER_STREAMS = env_int("METRICVAULT_MAX_USER_STREAMS", 100, 1)  # of them for one person
# How often things may happen (metricvault/rates.py): of one person or API token; login and refused: of one address;
# pushes: of one run, in each web process. Off in tests.
_RATES = {
    "login": "30/minute",
    "refused": "30/minute",
    "import": "30/minute",
    "start": "60/minute",
    "try": "60/minute",
    "export": "120/minute",
    "api": "1200/minute",
    "push": "1000 per 5 seconds",
}
METRICVAULT_RATES = {
    what: env_rate(f"METRICVAULT_RATE_{what.upper()}", "off" if TESTING else rate) for what, rate in _RATES.items()
}
METRICVAULT_INGEST_URL = env_text("METRICVAULT_INGEST_URL", f"http://127.0.0.1:{PORT}")
# Load generators on Kubernetes; docs/kubernetes.md. Quantities as Kubernetes writes them.
KUBECONFIG = env_text("KUBECONFIG")  # "": the cluster this process runs in
KUBERNETES_NAMESPACE = env_name("KUBERNETES_NAMESPACE", "default")
K6_DEFAULT_PVC = env_text("K6_DEFAULT_PVC")
METRICVAULT_POD = {
    "image": env_text("METRICVAULT_K6_IMAGE", "grafana/k6:1.1.0"),
    "cpu_request": env_text("METRICVAULT_POD_CPU_REQUEST", "500m"),
    "cpu_limit": env_text("METRICVAULT_POD_CPU_LIMIT"),
    "memory_request": env_text("METRICVAULT_POD_MEMORY_REQUEST", "256Mi"),
    "memory_limit": env_text("METRICVAULT_POD_MEMORY_LIMIT", "1Gi"),
    "node_selector": env_pairs("METRICVAULT_POD_NODE_SELECTOR"),
    "tolerations": env_json("METRICVAULT_POD_TOLERATIONS", []),
    "service_account": env_text("METRICVAULT_POD_SERVICE_ACCOUNT"),
    "pull_secrets": env_list("METRICVAULT_POD_PULL_SECRETS", []),
    "labels": env_pairs("METRICVAULT_POD_LABELS"),
}
METRICVAULT_POD_VUS = env_int("METRICVAULT_POD_VUS", 500, 1)  # users of one pod, where nobody says how many pods
METRICVAULT_MAX_PODS = env_int("METRICVAULT_MAX_PODS", 20, 1)
METRICVAULT_POD_READY_SECONDS = env_float("METRICVAULT_POD_READY_SECONDS", 120)
METRICVAULT_POD_ACCESS = env_choice("METRICVAULT_POD_ACCESS", "proxy" if KUBECONFIG else "direct", ("proxy", "direct"))
METRICVAULT_KEEP_FAILED_HOURS = env_float("METRICVAULT_KEEP_FAILED_HOURS", 24)
K6_SCRIPT_FILE_FOLDER = Path(env_text("K6_SCRIPT_FILE_FOLDER", str(METRICVAULT_DATA_DIR / "k6-scripts")))
SCHEDULER_POLL_INTERVAL = env_float("SCHEDULER_POLL_INTERVAL", 15)
SCHEDULER_MAX_RETRY = env_int("SCHEDULER_MAX_RETRY", 3)
SCHEDULER_METRICS_DELAY = env_float("SCHEDULER_METRICS_DELAY", 30)
SCHEDULER_JOB_WARNING_HOURS = env_float("SCHEDULER_JOB_WARNING_HOURS", 1)
AUTO_DELETE_COMPLETED_JOBS = env_bool("AUTO_DELETE_COMPLETED_JOBS", True)
SCHEDULER_JOB_TIMEOUT_HOURS = env_float("SCHEDULER_JOB_TIMEOUT_HOURS", 4)
METRICVAULT_MAX_DURATION_HOURS = env_float("METRICVAULT_MAX_DURATION_HOURS", SCHEDULER_JOB_TIMEOUT_HOURS)

INSTALLED_APPS = [
    "projects.admin_site.AuditedAdminConfig",  # django.contrib.admin
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "django_eventstream",
    "csp",
    "ninja",
    "axes",
    "metricvault",
    "projects",
    "history",
    "loadtests",
]

MIDDLEWARE = [
    "metricvault.headers.HeadersMiddleware",
    "metricvault.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "metricvault.middleware.SameOriginMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "projects.sessions.SeenMiddleware",
    "metricvault.middleware.OpenAccessMiddleware",
    "metricvault.middleware.BearerMiddleware",
    "metricvault.middleware.PageLoginMiddleware",
    "metricvault.middleware.BodyMiddleware",
    "metricvault.rates.RateMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
    "metricvault.middleware.ErrorMiddleware",
]

ROOT_URLCONF = "metricvault.urls"
ASGI_APPLICATION = "metricvault.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["history.templatetags.parts"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "history.context.live_runs",
                "loadtests.context.target_requests",
            ],
        },
    }
]

_PASSWORD = env_secret("POSTGRES_PASSWORD") or env_secret("PGPASSWORD")  # where DATABASE_URL has none
_DATABASE_URL = env_secret("DATABASE_URL")
if not _DATABASE_URL.startswith("sqlite"):
    _DATABASE_URL = with_password(_DATABASE_URL, _PASSWORD, "POSTGRES_PASSWORD")
_SQLITE = {"ENGINE": "django.db.backends.sqlite3", "NAME": METRICVAULT_DATA_DIR / "metricvault.sqlite3"}
DATABASES: dict[str, dict[str, Any]] = {"default": database_from_url(_DATABASE_URL) if _DATABASE_URL else _SQLITE}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        # Writers queue at BEGIN instead of failing in the middle; WAL lets readers go on meanwhile; what was read once
        # is not copied again (up to 1 GB of the file).
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
DATABASES["default"]["CONN_MAX_AGE"] = 0  # what stays open for long, as a stream, must not keep a connection
_IS_WEB = env_text("METRICVAULT_PROCESS") == "web"  # metricvault/asgi.py says so
# The threads of a web process share so many connections; a worker needs one at a time.
_POOL = env_int("METRICVAULT_DATABASE_POOL", 8 if _IS_WEB else 0)
if DATABASES["default"]["ENGINE"].endswith("postgresql"):
    DATABASES["default"]["OPTIONS"].setdefault("connect_timeout", 5)
    if _POOL:
        DATABASES["default"]["CONN_HEALTH_CHECKS"] = True  # what broke while PostgreSQL was away is not handed out
        _PATIENCE = {"timeout": 5, "reconnect_timeout": 5}
        DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": _POOL, **_PATIENCE}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Redis carries Celery and the live messages. Without REDIS_URL both stay in one process (tests).
REDIS_URL = "" if TESTING else with_password(env_secret("REDIS_URL"), env_secret("REDIS_PASSWORD"), "REDIS_PASSWORD")
CELERY_BROKER_URL = "memory://"
if REDIS_URL:
    CELERY_BROKER_URL, _REDIS = redis_from_url(REDIS_URL)
    _SHORT = {"socket_timeout": 1.0, "socket_connect_timeout": 1.0}
    EVENTSTREAM_REDIS = {**_REDIS, **_SHORT}
    _CACHE = "django.core.cache.backends.redis.RedisCache"
    CACHES = {"default": {"BACKEND": _CACHE, "LOCATION": REDIS_URL, "KEY_PREFIX": "metricvault", "OPTIONS": _SHORT}}
EVENTSTREAM_CHANNELMANAGER_CLASS = "history.live.eventstream.RunChannels"

CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
# Who starts a run while Redis is away hears so within seconds; the sweep finds the run later. A worker asks Redis for
# work with a command that may take a second, so its patience is longer than that.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 1.0 if _IS_WEB else 3.0,
    "socket_connect_timeout": 1.0,
    "socket_keepalive": True,
}
CELERY_BROKER_CONNECTION_TIMEOUT = 1.0
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2}
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker tries for ever
# A run moves on by messages of its own; the sweep finds the runs whose messages were lost.
CELERY_BEAT_SCHEDULE = {
    "sweep": {
        "task": "loadtests.tasks.sweep",
        "schedule": SCHEDULER_POLL_INTERVAL,
        "options": {"expires": max(SCHEDULER_POLL_INTERVAL, 5)},
    },
    "tidy": {"task": "loadtests.tasks.tidy", "schedule": 60, "options": {"expires": 60}},
    "forget-old": {"task": "history.tasks.forget_old", "schedule": 3600, "options": {"expires": 3600}},
    "forget-sessions": {"task": "projects.tasks.forget_sessions", "schedule": 3600, "options": {"expires": 3600}},
    "forget-audit": {"task": "projects.tasks.forget_audit", "schedule": 3600, "options": {"expires": 3600}},
    "tend-documents": {"task": "projects.tasks.tend", "schedule": 20, "options": {"expires": 20}},
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("ko", _("Korean"))]
LOCALE_PATHS = [BASE_DIR / "metricvault" / "locale"]
TIME_ZONE = env_text("TIME_ZONE", "UTC")
USE_I18N = True
USE_TZ = True
USE_THOUSAND_SEPARATOR = True

STATIC_URL = "/static/"
STATIC_ROOT = env_text("STATIC_ROOT") or None  # where `collectstatic` is used; else files are served where they lie
_NPM = BASE_DIR / "node_modules"
_VENDOR = [("vendor/uplot", _NPM / "uplot" / "dist"), ("vendor/sortable", _NPM / "sortablejs")]
STATICFILES_DIRS = [BASE_DIR / "static", *(entry for entry in _VENDOR if entry[1].exists())]
WHITENOISE_USE_FINDERS = True
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_AUTOREFRESH = DEBUG or TESTING  # to look at all files beforehand, for each client, would be a third of tests

if TESTING:  # hashing passwords slowly would be most of what the tests do
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AUTHENTICATION_BACKENDS = [
    "projects.signing_in.ThrottleBackend",
    "django.contrib.auth.backends.ModelBackend",
    *(["projects.oidc.ProviderBackend"] if METRICVAULT_OIDC["issuer"] else []),
]
_RULES = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": f"{_RULES}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_RULES}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": f"{_RULES}.CommonPasswordValidator"},
    {"NAME": f"{_RULES}.NumericPasswordValidator"},
]
AXES_HANDLER = "projects.signing_in.Failures"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"], ["ip_address"], ["username"]]  # as METRICVAULT_LOGIN_LIMITS
AXES_FAILURE_LIMIT = METRICVAULT_LOGIN_LIMITS[0]
AXES_COOLOFF_TIME = timedelta(minutes=METRICVAULT_LOGIN_COOL_OFF_MINUTES)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "projects.signing_in.locked_out"
AXES_CLIENT_IP_CALLABLE = "projects.signing_in.counted_address"
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "csrfmiddlewaretoken", "next"]
AXES_DISABLE_ACCESS_LOG = True  # the audit says who logged in
AXES_ENABLE_ADMIN = False  # projects.people_admin shows them
AXES_VERBOSE = False
SESSION_COOKIE_AGE = round(METRICVAULT_SESSION_HOURS * 3600)
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
CSRF_FAILURE_VIEW = "metricvault.pages.forbidden"
# The web (docs/security.md): cookies, TLS, policies. Behind a TLS proxy that sets X-Forwarded-Proto: METRICVAULT_TLS.
_TLS = env_bool("METRICVAULT_TLS", False)
_HOST = "__Host-" if _TLS else ""  # such a cookie comes from no other host or path, and over TLS
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{_HOST}sessionid", f"{_HOST}csrftoken"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = _TLS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = env_int("METRICVAULT_HSTS_SECONDS", 31_536_000) if _TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = env_bool("METRICVAULT_HSTS_SUBDOMAINS", False)
SECURE_HSTS_PRELOAD = env_bool("METRICVAULT_HSTS_PRELOAD", False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _TLS else None
SECURE_SSL_REDIRECT = _TLS
# Asked from inside, past the proxy: by health checks, Prometheus, and k6.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^metrics$", r"^ingest/"]
# Whether all other names of the domain are on TLS is for those to say who own it.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
_OURS = ("script-src", "style-src", "font-src", "connect-src", "manifest-src", "form-action")
_NOBODYS = ("default-src", "frame-ancestors", "base-uri", "object-src")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        **{part: ["'self'"] for part in _OURS},
        **{part: ["'none'"] for part in _NOBODYS},
        "img-src": ["'self'", "data:"],
    }
}
# The largest body any address takes: an OpenAPI document of 20 MB, with its envelope.
DATA_UPLOAD_MAX_MEMORY_SIZE = 21 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

LOG_LEVEL = env_choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_FORMAT = env_choice("LOG_FORMAT", "plain", ("plain", "json"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "context": {"()": "metricvault.lib.telemetry.Context"},
        "one line": {"()": "metricvault.lib.telemetry.OneLine"},
    },
    "formatters": {
        "plain": {
            "()": "metricvault.lib.telemetry.PlainFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        },
        "json": {"()": "metricvault.lib.telemetry.JsonFormatter"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["context"]}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        name: {"level": LOG_LEVEL, "handlers": ["console"], "propagate": False}
        for name in ("metricvault", "projects", "history", "loadtests")
    }
    | {
        "axes": {"level": "ERROR"},  # the audit says what failed
        "django.security.DisallowedHost": {"filters": ["one line"]},  # anybody can make it speak
    },
}
# Celery would put its own format on everything, and with it lose which run a line is about.
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
