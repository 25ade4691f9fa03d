"""Settings, all from the environment (docs: contract "Settings", .env.example).

A malformed value stops the start with one clear line and exit code 2: a typo must never become a default.
"""

from __future__ import annotations

import importlib
import ipaddress
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF

BASE_DIR = Path(__file__).resolve().parent.parent
_env = environ.Env()


# --- readers -------------------------------------------------------------------------------------------------


def _refuse(name: str, why: str) -> NoReturn:
    # The value itself isn't repeated: it may hold a password.
    print(f"{name}: {why}", file=sys.stderr)
    raise SystemExit(2)


def _text(name: str, default: str = "") -> str:
    return str(_env.str(name, default="")).strip() or default


def _flag(name: str) -> bool:
    value = _text(name, "0").lower()
    if value not in {"0", "1", "true", "false", "yes", "no", "on", "off"}:
        _refuse(name, "is 1 or 0.")
    return value in {"1", "true", "yes", "on"}


def _number(name: str, default: int, low: int, high: int) -> int:
    value = _text(name, str(default))
    if not (value.isascii() and value.isdigit() and low <= int(value) <= high):
        _refuse(name, f"is a whole number from {low} to {high}.")
    return int(value)


def _rate(name: str, default: int) -> int:
    """Calls a minute, as 600/min; 0 where it is off."""
    value = _text(name, f"{default}/min").lower()
    if value == "off":
        return 0
    number = value.removesuffix("/min")
    if number == value or not (number.isascii() and number.isdigit() and 1 <= int(number) <= 1_000_000):
        _refuse(name, "is calls a minute, such as 600/min, or off.")
    return int(number)


def _list(name: str) -> list[str]:
    return [part.strip() for part in _text(name).split(",") if part.strip()]


def _url(name: str, value: str, schemes: set[str]) -> str:
    expected = " or ".join(f"{scheme}://" for scheme in sorted(schemes))
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        _refuse(name, f"isn't a URL; it starts with {expected}.")
    if parts.scheme not in schemes:
        _refuse(name, f"starts with {expected}.")
    return value


def _is_class(dotted: str) -> bool:
    """Whether a module that can be imported has this name in it."""
    module, _dot, name = dotted.rpartition(".")
    try:
        return module != "" and hasattr(importlib.import_module(module), name)
    except (ImportError, ValueError):
        return False


# --- the process ---------------------------------------------------------------------------------------------

DEBUG = _flag("DEBUG")
PORT = _number("PORT", 8000, 1, 65535)
WEB_CONCURRENCY = _number("WEB_CONCURRENCY", 1, 1, 64)
WEB_THREADS = 20  # of each web process; each has a connection to the database while it works

DATA_DIR = Path(_text("DATA_DIR", str(BASE_DIR / "var"))).expanduser().resolve()
try:
    DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
except OSError as problem:
    _refuse("DATA_DIR", f"{DATA_DIR} can't be made ({problem.strerror}).")

# Day sheets of today and tomorrow with names and clinical detail, for a desk computer to copy (docs/day-sheets.md).
SHEETS_DIR = Path(_text("SHEETS_DIR", str(DATA_DIR / "sheets"))).expanduser().resolve()


def _kept(file: str) -> str:
    """What `manage.py serve` keeps in DATA_DIR, so that other commands beside it need no environment."""
    try:
        return (DATA_DIR / file).read_text().strip()
    except FileNotFoundError:
        return ""
    except OSError as problem:
        _refuse("DATA_DIR", f"{DATA_DIR / file} can't be read ({problem.strerror}).")


SECRET_KEY = _text("SECRET_KEY") or _kept("secret-key") or ("debug-only-" * 5 if DEBUG else "")
if not SECRET_KEY:
    _refuse("SECRET_KEY", "is needed (a long random text), unless DEBUG=1.")
if not DEBUG and (len(SECRET_KEY) < 32 or len(set(SECRET_KEY)) < 5):
    _refuse("SECRET_KEY", "is too easy to guess: at least 32 signs of a random text.")

# --- where we are on the web ---------------------------------------------------------------------------------

BASE_URL = _url("BASE_URL", _text("BASE_URL", f"http://127.0.0.1:{PORT}"), {"http", "https"}).rstrip("/")
_base = urlsplit(BASE_URL)
if not _base.hostname or _base.path or _base.query or _base.fragment or _base.username:
    _refuse("BASE_URL", "is scheme and host only, such as https://scheduler.example.org.")
_https = _base.scheme == "https"

ALLOWED_HOSTS = _list("ALLOWED_HOSTS") or [_base.hostname]
if any(sign in host for host in ALLOWED_HOSTS for sign in "/ "):
    _refuse("ALLOWED_HOSTS", "is host names separated by commas, without scheme or path.")
# Health checks ask on loopback. No link is ever made from the Host header, so this opens nothing.
ALLOWED_HOSTS += ["127.0.0.1", "localhost", "[::1]"]
CSRF_TRUSTED_ORIGINS = [f"{_base.scheme}://{_base.netloc}"]

TRUSTED_PROXIES = _list("TRUSTED_PROXIES")
for _proxy in TRUSTED_PROXIES:
    try:
        ipaddress.ip_network(_proxy, strict=False)
    except ValueError:
        _refuse("TRUSTED_PROXIES", "is addresses or networks separated by commas, such as 10.0.0.0/8.")

# --- database ------------------------------------------------------------------------------------------------


def _database(name: str, schemes: set[str]) -> dict[str, Any]:
    url = _text(name)
    if not url:
        config: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(DATA_DIR / "scheduler.db")}
    else:
        _url(name, url, schemes)
        config = dict(environ.Env.db_url_config(url))
        if not config.get("NAME"):
            _refuse(name, "names no database, such as postgresql://user@host/scheduler.")
    options = config.setdefault("OPTIONS", {})
    if config["ENGINE"].endswith("sqlite3"):
        # With the defaults concurrent writes fail as "database is locked". IMMEDIATE is the lock here:
        # select_for_update does nothing on SQLite.
        options |= {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL",
        }
        # To open the file costs as much as a small call, so each thread keeps its connection for a minute.
        config["CONN_MAX_AGE"] = 60
    else:
        options.setdefault("options", "-c lock_timeout=3000 -c default_transaction_isolation=read\\ committed")
        options.setdefault("connect_timeout", 5)
        # A pool, not CONN_MAX_AGE: pages that stay open ask from threads that don't last.
        options.setdefault("pool", {"min_size": 1, "max_size": WEB_THREADS, "timeout": 10})
        config["CONN_MAX_AGE"] = 0
        config["CONN_HEALTH_CHECKS"] = True
    return config


DATABASES = {"default": _database("DATABASE_URL", {"sqlite", "postgres", "postgresql"})}
if _text("MIGRATION_DATABASE_URL"):
    # Who owns the tables could switch off the record's triggers: the service itself need not be able to. Only
    # `manage.py migrate` signs in as the owner; web, worker and beat aren't told of it.
    _owner = DATABASES["owner"] = _database("MIGRATION_DATABASE_URL", {"postgres", "postgresql"})
    _service = DATABASES["default"]
    if not _service["ENGINE"].endswith("postgresql") or _service["NAME"] != _owner["NAME"]:
        _refuse("MIGRATION_DATABASE_URL", "is the same PostgreSQL database as DATABASE_URL, under its owner's role.")
    if not _service.get("USER") or _service["USER"] == _owner.get("USER"):
        _refuse("MIGRATION_DATABASE_URL", "names another role than DATABASE_URL, and both name one.")
    _owner["OPTIONS"].pop("pool")
if WEB_CONCURRENCY > 1 and DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    _refuse("WEB_CONCURRENCY", "is more than 1 only on PostgreSQL (set DATABASE_URL).")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- applications --------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "scheduler",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "csp",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "scheduler.web.static.StaticFiles",
    "scheduler.web.headers.SafeHeaders",
    "scheduler.web.middleware.Origin",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "scheduler.web.middleware.SessionLimits",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "infusion_center.urls"
ASGI_APPLICATION = "infusion_center.asgi.application"
WSGI_APPLICATION = "infusion_center.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- people --------------------------------------------------------------------------------------------------

AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "scheduler.services.passwords.NotTooLong"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "scheduler.services.passwords.NotGuessable"},
]
PASSWORD_RESET_TIMEOUT = 3600  # seconds
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # first: a locked name is refused before anybody looks at the password
    "django.contrib.auth.backends.ModelBackend",
]
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/sign-in/"
# The limits of a session (15 minutes idle, 12 hours) are kept in services/sessions.py. The cookie goes with the
# browser; its row outlives the limits, so that what was typed before can be given back to the same person afterwards.
SESSION_COOKIE_AGE = 36 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True

# Lock-out by name and address together: nobody locks a colleague, or a whole desk, out.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # what the page says about how long stays true
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "scheduler.web.addresses.for_lock"
AXES_CLIENT_STR_CALLABLE = "scheduler.web.addresses.for_log"
AXES_SENSITIVE_PARAMETERS = ["username", "password", "next", "kept", "csrfmiddlewaretoken"]
AXES_DISABLE_ACCESS_LOG = True  # the record has it
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False
OTP_ADMIN_HIDE_SENSITIVE_DATA = True

# --- language and time ---------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LOCALE_PATHS = [BASE_DIR / "scheduler" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"  # each center has its own zone; the server's must never matter

# --- what a browser may do -----------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
        "base-uri": [NONE],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
# Nobody else learns an address from us. Not "no-referrer": browsers then send "Origin: null" with every form, and the
# CSRF check refuses it (tests/browser/test_referrer.py).
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SECURE_SSL_REDIRECT = _https
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]  # asked from inside, without TLS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if _https else 0
# Subdomains and browser preload lists would speak for hosts that aren't ours.
# The sign-in page itself says that a name is locked, so axes' middleware has nothing to replace.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021", "axes.W002"]

# --- what may be sent: forms and JSON; a file at one address only, where managers import ------------------------

DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # bytes; asgi.py refuses more before Django is asked
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
DATA_UPLOAD_MAX_NUMBER_FILES = 1
FILE_UPLOAD_HANDLERS = ["scheduler.web.uploads.OnlyImports"]
FILE_UPLOAD_MAX_MEMORY_SIZE = 9 * 1024 * 1024  # a file of 8 MiB with its form; no file ever touches the disk

# --- static files: hashed names where collectstatic ran (the container), straight from the sources elsewhere ----

STATIC_URL = "/static/"
_static_root = BASE_DIR / "staticfiles"
_collected = (_static_root / "staticfiles.json").exists() or "collectstatic" in sys.argv[1:2]
STATIC_ROOT = _static_root if _collected else None
WHITENOISE_USE_FINDERS = not _collected
WHITENOISE_ALLOW_ALL_ORIGINS = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if _collected
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# --- mail ----------------------------------------------------------------------------------------------------

MAIL_DIR = DATA_DIR / "mail"
EMAIL_URL = _text("EMAIL_URL")
EMAIL_TIMEOUT = 10  # seconds; a hanging mail server holds up one job, never a booking
DEFAULT_FROM_EMAIL = _text("DEFAULT_FROM_EMAIL", f"Appointments <appointments@{_base.hostname}>")
if EMAIL_URL:
    _url("EMAIL_URL", EMAIL_URL, {"smtp", "smtp+tls", "smtps"})
    if not urlsplit(EMAIL_URL).hostname:
        _refuse("EMAIL_URL", "names no host, such as smtp://mail.example.org:25.")
    _mail = urlsplit(EMAIL_URL)
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST = _mail.hostname
    EMAIL_PORT = _mail.port or {"smtp": 25, "smtp+tls": 587, "smtps": 465}[_mail.scheme]
    EMAIL_HOST_USER = environ.Env.email_url_config(EMAIL_URL)["EMAIL_HOST_USER"] or ""
    EMAIL_HOST_PASSWORD = environ.Env.email_url_config(EMAIL_URL)["EMAIL_HOST_PASSWORD"] or ""
    EMAIL_USE_TLS = _mail.scheme == "smtp+tls"
    EMAIL_USE_SSL = _mail.scheme == "smtps"
else:
    EMAIL_BACKEND = "scheduler.services.eml.EmailBackend"

# Text messages: the class of a provider (docs/text-messages.md), or off. Where mail stays here, texts do, too.
_DEMO_TEXTS = "scheduler.services.text_outbox.Outbox"
SMS_BACKEND = _text("SMS_BACKEND", "off" if EMAIL_URL else _DEMO_TEXTS)
if SMS_BACKEND == "off":
    SMS_BACKEND = ""
elif not _is_class(SMS_BACKEND):
    _refuse("SMS_BACKEND", "names no class that can be imported, such as mycenter.texts.Provider; or off.")

# --- jobs ----------------------------------------------------------------------------------------------------

REDIS_URL = _url(
    "REDIS_URL",
    _text("REDIS_URL") or _kept("broker/url") or "redis://127.0.0.1:6379/0",
    {"redis", "rediss", "redis+socket"},
)
CELERY_BROKER_URL = REDIS_URL
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False  # the rows are the truth; a poisonous task must not come back for ever
CELERY_TASK_TIME_LIMIT = 15 * 60
CELERY_TASK_PUBLISH_RETRY = False  # a tick that can't be sent is replaced by the next one
CELERY_WORKER_CONCURRENCY = 2
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # for ever: a broker may come back after a night
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 10,
}

# --- API -----------------------------------------------------------------------------------------------------

# For each key and web process. 200 a second is about what one center's service can book; a client that needs less
# is given less.
API_RATE = _rate("API_RATE", 12_000)
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Infusion-center scheduler",
    "DESCRIPTION": "Scheduling service of a migraine infusion center.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "ChairKindEnum": "scheduler.models.places.ChairKind",
        "ClosureKindEnum": "scheduler.models.places.Closure.Kind",
        "ChannelEnum": "scheduler.models.ledger.LedgerEntry.Channel",
        "ContactChannelEnum": "scheduler.models.people.Contact.Channel",
    },
}

# --- log: to standard error; paths without query strings, ids instead of names, failures without their words --

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "scheduler.services.logs.Line",
            "fmt": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
        "uvicorn": {"handlers": [], "level": "WARNING", "propagate": True},
        "uvicorn.access": {"handlers": [], "level": "CRITICAL", "propagate": False},  # it logs query strings
        # The record tells of every try; the log must not name people.
        "axes": {"level": "ERROR"},
        # Every tick of every job at INFO would bury what matters.
        "celery": {"level": "WARNING"},
        "kombu": {"level": "WARNING"},
    },
}
