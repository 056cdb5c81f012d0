"""Every setting, read from the environment once and checked before anything starts."""

import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from billing.stripe_keys import of_till
from config import api_settings, beat, desk_look, env, logs, policies, sign_in, stripe_keys
from config.celery_settings import *  # noqa: F403 - settings as well, none of them the operator's
from config.gpu_settings import *  # noqa: F403 - settings as well, of an own GPU

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = (BASE_DIR / (env.text("DATA_DIR") or "var")).resolve()
SECRET_KEY = env.kept_secret("SECRET_KEY", DATA_DIR / "secrets")
# Newest first, separated by commas: the first encrypts the credentials of upstreams, each of them decrypts.
SEALING_KEYS = env.kept_secrets("CREDENTIALS_KEY", DATA_DIR / "secrets")
DEBUG = env.flag("DEBUG", False)

# --- Where things are ---------------------------------------------------------------------------

HOST = env.text("HOST") or "127.0.0.1"
PORT = env.integer("PORT", 8000, 1, 65535)
_public = env.address("PUBLIC_URL", f"http://localhost:{PORT}", ("http", "https"), "https://shop.example")
if _public is None or _public.query or _public.fragment or _public.username is not None:
    raise ImproperlyConfigured("PUBLIC_URL: expected an address such as https://shop.example.")
PUBLIC_URL = _public.geturl().rstrip("/")
_secure = _public.scheme == "https"

DATABASE_URL = env.text("DATABASE_URL")
REDIS_URL = env.text("REDIS_URL")
STRIPE_SECRET_KEY = env.text("STRIPE_SECRET_KEY")
DEMO = env.flag("DEMO", not DATABASE_URL and not STRIPE_SECRET_KEY)
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")

# --- Processes of `manage.py up` ----------------------------------------------------------------

_processes = min(4, os.cpu_count() or 1) if REDIS_URL else 1
WEB_PROCESSES = env.integer("WEB_PROCESSES", _processes, 1, 64)
WEB_THREADS = env.integer("WEB_THREADS", 16, 1, 256)
API_THREADS = env.integer("API_THREADS", 4, 1, 256)  # of these, for the requests of programs
MAX_WAITING = env.integer("MAX_WAITING", 48, 1, 1000)  # for their images, beside the threads at work
WORKER_PROCESSES = env.integer("WORKER_PROCESSES", _processes, 1, 64)
WORKER_CONCURRENCY = env.integer("WORKER_CONCURRENCY", 8, 1, 256)
WORKER_GRACE_S = env.seconds("WORKER_GRACE_S", 10, 0, 3600)
READY_FILE = env.text("READY_FILE")
if WEB_PROCESSES > 1 and not REDIS_URL:
    raise ImproperlyConfigured(
        f"WEB_PROCESSES={WEB_PROCESSES}: several need REDIS_URL, to count limits together."
    )

# --- The database -------------------------------------------------------------------------------

env.address("REDIS_URL", "", ("redis", "rediss"), "redis://host:6379/0")
if env.address("DATABASE_URL", "", ("postgres", "postgresql"), "postgresql://user:password@host:5432/name"):
    DATABASES: dict[str, dict[str, Any]] = {"default": dict(environ.Env.db_url_config(DATABASE_URL))}
    DATABASES["default"]["ENGINE"] = "django.db.backends.postgresql"
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"]["CONN_MAX_AGE"] = 0  # the pool keeps them
    _options = DATABASES["default"].setdefault("OPTIONS", {})
    # About 8 for all processes of a kind: more of them only queue for the same rows. `up` shares them out.
    _options["pool"] = {"min_size": 1, "max_size": env.integer("DATABASE_POOL", 8, 2, 100), "timeout": 2}
    # A server that is gone without a word is given up in seconds, not after the kernel's quarter of an hour.
    _patience = {"connect_timeout": 2, "keepalives_idle": 10, "keepalives_interval": 3, "keepalives_count": 3}
    DATABASES["default"]["OPTIONS"] = _options = {**_patience, "tcp_user_timeout": 10_000, **_options}
    _limits = "-c statement_timeout=15000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=30000"
    _options["options"] = f"{_limits} {_options.get('options', '')}".strip()
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA_DIR / "tintype.sqlite3",
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 10,
                # FULL: a charge that was answered for survives a power cut.
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
            },
        }
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- What is installed --------------------------------------------------------------------------

INSTALLED_APPS = [
    "config",
    "generations",
    "billing",
    "webhooks",
    "accounts",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.google",
    "allauth.socialaccount.providers.github",
    "unfold.apps.BasicAppConfig",
    "config.apps.DeskConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "csp",
    "rest_framework",
    "drf_spectacular",
]
MIDDLEWARE = [
    "config.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.ShopMiddleware",
    "config.middleware.PageCSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.middleware.ShopSessionMiddleware",
    "config.middleware.LanguageMiddleware",
    "config.middleware.BodyMiddleware",
    "config.middleware.PageErrorMiddleware",
    "django.middleware.common.CommonMiddleware",
    "config.middleware.OriginMiddleware",
    "config.middleware.PageUserMiddleware",
    "config.middleware.PageMessageMiddleware",
    "config.middleware.PageHtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "config.standing_in.StandInMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.pages.shop_context",
                "accounts.pages.own_account",
            ]
        },
    }
]

# --- People and sessions ------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
# The first signs nobody in: it says what a shop's staff may do at their desk, and has the last word on it.
AUTHENTICATION_BACKENDS = [
    "accounts.staff.StaffBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign_in"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
PASSWORD_RESET_TIMEOUT = 86_400
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.passwords.SeenPasswordValidator"},
]
# Organizations that one person may own; what an organization has open, and sends within a day, of invitations.
MAX_OWNED_ORGANIZATIONS = env.integer("MAX_OWNED_ORGANIZATIONS", 5, 1, 10_000)
MAX_OPEN_INVITATIONS = env.integer("MAX_OPEN_INVITATIONS", 50, 1, 10_000)
INVITATION_MAILS_PER_DAY = env.integer("INVITATION_MAILS_PER_DAY", 50, 1, 10_000)
# Who may open an account: everybody, only who was invited, or nobody.
SIGN_UP = env.word("SIGN_UP", "open", ("open", "invitation", "closed"))
SIGN_UP_DOMAINS = env.domains("SIGN_UP_DOMAINS")
_throwaway = (BASE_DIR / "accounts" / "throwaway_domains.txt").read_text(encoding="utf-8")
BLOCKED_EMAIL_DOMAINS = frozenset(env.domains("BLOCKED_EMAIL_DOMAINS")) | frozenset(
    env.domains("THROWAWAY_DOMAINS", _throwaway)
)

# Whether the desk opens only to operators who have one and have used it.
STAFF_SECOND_FACTOR = env.flag("STAFF_SECOND_FACTOR", not DEMO)

vars().update(sign_in.ALLAUTH)
SOCIALACCOUNT_PROVIDERS: dict[str, dict[str, Any]] = {
    "google": {"provider_class": "accounts.signing.social.Google", "OAUTH_PKCE_ENABLED": True},
    "github": {"provider_class": "accounts.signing.social.Github", "OAUTH_PKCE_ENABLED": True},
}
for _name, _id, _secret in (
    ("google", env.text("GOOGLE_CLIENT_ID"), env.text("GOOGLE_CLIENT_SECRET")),
    ("github", env.text("GITHUB_CLIENT_ID"), env.text("GITHUB_CLIENT_SECRET")),
):
    if bool(_id) != bool(_secret):
        raise ImproperlyConfigured(f"{_name.upper()}_CLIENT_ID and _CLIENT_SECRET: set both, or neither.")
    if _id:  # else nobody sees that there could be one
        SOCIALACCOUNT_PROVIDERS[_name]["APP"] = {"client_id": _id, "secret": _secret}
SOCIAL_HOSTS = env.hosts("SOCIAL_HOSTS")  # whose addresses are registered there; none: the platform's own
SESSION_ENGINE = "accounts.signing.store"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = _secure
CSRF_COOKIE_SECURE = _secure
CSRF_FAILURE_VIEW = "config.pages.csrf_failure"

# --- Security -----------------------------------------------------------------------------------

# Which hosts lead to which shop is in the database (accounts/shops.py): PUBLIC_URL's and these to the first one; all
# others nowhere, or to the first one as well. Absolute addresses begin with a shop's own, never with the Host header.
ALLOWED_HOSTS = ["*"]
OTHER_HOSTS = env.hosts("OTHER_HOSTS")
UNKNOWN_HOSTS = env.word("UNKNOWN_HOSTS", "refuse" if DATABASE_URL else "first", ("refuse", "first"))
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if _secure else 0
# Whether other hosts below this one speak https is the operator's to say.
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.flag("HSTS_SUBDOMAINS", False)
SECURE_HSTS_PRELOAD = env.flag("HSTS_PRELOAD", False)
if SECURE_HSTS_PRELOAD and not SECURE_HSTS_INCLUDE_SUBDOMAINS:
    raise ImproperlyConfigured("HSTS_PRELOAD: browsers take in only hosts with HSTS_SUBDOMAINS=1.")
SILENCED_SYSTEM_CHECKS = [
    "security.W003",  # config.middleware.OriginMiddleware is Django's own, and more
    "security.W005",  # HSTS_SUBDOMAINS: off unless it is wished for
    "security.W008",  # the proxy, which has the certificate, redirects; health checks come by plain http
    "security.W021",  # HSTS_PRELOAD: takes months to undo
]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _secure and TRUSTED_PROXIES else None
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY, DESK_CONTENT_SECURITY_POLICY = policies.OF_PAGES, policies.OF_DESK
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
MAX_API_BODY_BYTES, MAX_WEBHOOK_BYTES = 65_536, 524_288  # events hold whole objects
BODY_TIMEOUT_S = env.seconds("BODY_TIMEOUT_S", 10, 0.1, 60)

# --- Mail ---------------------------------------------------------------------------------------

OPERATOR_EMAILS = env.emails("OPERATOR_EMAILS")
if env.address(
    "EMAIL_URL", "", ("smtp", "smtps", "smtp+tls", "smtp+ssl"), "smtp+tls://user:password@host:587"
):
    vars().update(environ.Env.email_url_config(env.text("EMAIL_URL")))
else:
    EMAIL_BACKEND = "accounts.mail.files.FileBackend"
EMAIL_TIMEOUT = 10
MAILS_DIR = DATA_DIR / "mails"
# Shows every mail to whoever sits at this machine: never where others could come by, as through a proxy.
MAILS_PAGE = (
    DEMO and not env.text("EMAIL_URL") and not TRUSTED_PROXIES and _public.hostname in env.LOOPBACK_HOSTS
)
DEFAULT_FROM_EMAIL = env.text("MAIL_FROM") or f"mail@{_public.hostname}"  # under the name of each shop

# --- Files --------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "images": {
        "BACKEND": "generations.storage.DurableFileSystemStorage",
        "OPTIONS": {"location": DATA_DIR / "images", "base_url": None},
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
S3_BUCKET = env.text("S3_BUCKET")
_s3_endpoint = env.address("S3_ENDPOINT_URL", "", ("http", "https"), "https://s3.example")
_s3_key, _s3_secret = env.text("S3_ACCESS_KEY_ID"), env.text("S3_SECRET_ACCESS_KEY")
if bool(_s3_key) != bool(_s3_secret):  # neither: what boto3 finds by itself, such as a machine's role
    raise ImproperlyConfigured("S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY: set both, or neither.")
if S3_BUCKET:
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", S3_BUCKET):
        raise ImproperlyConfigured(
            f"S3_BUCKET={S3_BUCKET!r}: expected the name of a bucket, without an address."
        )
    if find_spec("boto3") is None or find_spec("storages") is None:
        raise ImproperlyConfigured(
            "S3_BUCKET: what it needs is not installed; pip install --require-hashes -r requirements/s3.txt."
        )
    STORAGES["images"] = {
        "BACKEND": "generations.s3.S3ImageStorage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": _s3_endpoint.geturl() if _s3_endpoint else None,
            "region_name": env.text("S3_REGION", "us-east-1"),
            "access_key": _s3_key or None,
            "secret_key": _s3_secret or None,
            "location": env.text("S3_PREFIX").strip("/"),
        },
    }
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

# --- The operator's desk ------------------------------------------------------------------------

UNFOLD = desk_look.UNFOLD

# --- Language and time --------------------------------------------------------------------------

LANGUAGE_CODE = "en"
# What each is called, and how its addresses begin: config/languages.py.
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("zh-hans", "简体中文")]
LANGUAGE_COOKIE_NAME = "language"
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["config.formats"]
TIME_ZONE = "UTC"
USE_TZ = True

# --- The API ------------------------------------------------------------------------------------

REST_FRAMEWORK, SPECTACULAR_SETTINGS = api_settings.REST_FRAMEWORK, api_settings.SPECTACULAR
RATE_LIMIT_PER_MINUTE = env.integer("RATE_LIMIT_PER_MINUTE", 60, 1, 1_000_000)
RATE_LIMIT_BURST = env.integer("RATE_LIMIT_BURST", 20, 1, 1_000_000)
RATE_LIMIT_READ_PER_MINUTE = env.integer("RATE_LIMIT_READ_PER_MINUTE", 600, 1, 1_000_000)
RATE_LIMIT_READ_BURST = env.integer("RATE_LIMIT_READ_BURST", 120, 1, 1_000_000)
# All keys and people of an organization together; as much as ten keys, so that raising the keys' limit raises both.
RATE_LIMIT_ORGANIZATION_PER_MINUTE = env.integer(
    "RATE_LIMIT_ORGANIZATION_PER_MINUTE", 10 * RATE_LIMIT_PER_MINUTE, 1, 10_000_000
)
RATE_LIMIT_ORGANIZATION_BURST = env.integer(
    "RATE_LIMIT_ORGANIZATION_BURST", 10 * RATE_LIMIT_BURST, 1, 10_000_000
)
RATE_LIMIT_ORGANIZATION_READ_PER_MINUTE = env.integer(
    "RATE_LIMIT_ORGANIZATION_READ_PER_MINUTE", 10 * RATE_LIMIT_READ_PER_MINUTE, 1, 10_000_000
)
RATE_LIMIT_ORGANIZATION_READ_BURST = env.integer(
    "RATE_LIMIT_ORGANIZATION_READ_BURST", 10 * RATE_LIMIT_READ_BURST, 1, 10_000_000
)
MAX_OPEN_TASKS = env.integer("MAX_OPEN_TASKS", 20, 1, 1_000_000)
OPENAI_WAIT_S = env.seconds("OPENAI_WAIT_S", 60, 0.1, 600)

# --- Money: Stripe, or the till that stands in for it in a demo ----------------------------------

STRIPE_WEBHOOK_SECRETS = [
    part.strip() for part in env.text("STRIPE_WEBHOOK_SECRET").split(",") if part.strip()
]
STRIPE_LIVEMODE = stripe_keys.check(STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRETS, demo=DEMO)
STRIPE_TAX = env.flag("STRIPE_TAX", False)
STRIPE_PROMOTION_CODES = env.flag("STRIPE_PROMOTION_CODES", False)
# Automatic purchases of an organization on a day (UTC).
AUTOMATIC_PER_DAY = env.integer("AUTOMATIC_PER_DAY", 10, 1, 1000)
_stripe_api = env.address("STRIPE_API_BASE", "", ("http", "https"), "http://127.0.0.1:8001")
if _stripe_api and STRIPE_LIVEMODE:
    raise ImproperlyConfigured("STRIPE_API_BASE: a live key is for Stripe alone; leave the address out.")
STRIPE_API_BASE = _stripe_api.geturl().rstrip("/") if _stripe_api else ""
_pages = env.address(
    "STRIPE_PAGES", "https://checkout.stripe.com", ("http", "https"), "https://pay.shop.example"
)
TILL = env.flag("TILL", DEMO and not STRIPE_SECRET_KEY)
if TILL and (STRIPE_SECRET_KEY or not DEMO):
    raise ImproperlyConfigured("TILL: the till moves no money; it is for a DEMO without STRIPE_SECRET_KEY.")
TILL_PORT = env.integer("TILL_PORT", PORT + 1 if PORT < 65535 else PORT - 1, 1, 65535)
_till = env.address(
    "TILL_URL", f"http://{_public.hostname}:{TILL_PORT}", ("http", "https"), "https://till.example"
)
TILL_URL = _till.geturl().rstrip("/") if _till else ""
TILL_SECRET = ""  # from which the tills of all shops have their keys
if TILL:
    TILL_SECRET = env.kept_secret("TILL_SECRET", DATA_DIR / "secrets")
    STRIPE_SECRET_KEY, _till_signer = of_till(TILL_SECRET)
    STRIPE_WEBHOOK_SECRETS = [_till_signer]
    _till_host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(HOST, HOST)  # noqa: S104 - not a bind
    STRIPE_API_BASE = f"http://{_till_host}:{TILL_PORT}"
    _pages = _till
# Where browsers are sent to pay and to their cards: forms may lead there.
STRIPE_PAGES = [f"{_pages.scheme}://{_pages.netloc}"] if _pages else []
if not TILL:
    STRIPE_PAGES.append("https://billing.stripe.com")

# --- Credits that are given ---------------------------------------------------------------------

# Once per person, who confirmed their address. A network is a /24 or, in IPv6, a /64.
WELCOME_CREDITS = env.integer("WELCOME_CREDITS", 0, 0, 1_000_000)
WELCOME_PER_DAY = env.integer("WELCOME_PER_DAY", 100, 1, 1_000_000)
WELCOME_PER_NETWORK_PER_DAY = env.integer("WELCOME_PER_NETWORK_PER_DAY", 3, 1, 1_000_000)

# --- The life of a generation -------------------------------------------------------------------

SANDBOX_SECONDS = env.seconds("SANDBOX_SECONDS", 1, 0, 40)
IMAGE_LINK_SECONDS = env.integer("IMAGE_LINK_SECONDS", 86_400, 1, 31_536_000)
RETENTION_DAYS = env.integer("RETENTION_DAYS", 30, 1, 36_500)
# None: prompts stay with their orders, unless an organization wishes for less.
PROMPT_RETENTION_DAYS = (
    env.integer("PROMPT_RETENTION_DAYS", 0, 1, 36_500) if env.text("PROMPT_RETENTION_DAYS") else None
)
# Where from something was done, in the audit log; what was done stays.
AUDIT_ORIGIN_DAYS = env.integer("AUDIT_ORIGIN_DAYS", 180, 1, 36_500)
CALL_TOTAL_S = env.seconds("CALL_TOTAL_S", 45, 0.5, 600)
LEASE_S = env.seconds("LEASE_S", 60, 1, 3600)
LEASE_RENEW_S = LEASE_S / 4
DEADLINE_S = env.seconds("DEADLINE_S", 600, 1, 86_400)
MAX_CLAIMS = env.integer("MAX_CLAIMS", 3, 1, 100)
# module.function, asked of every order: see generations/content.py. Refusals by upstreams in an hour: 0 is never.
CONTENT_CLASSIFIER = env.text("CONTENT_CLASSIFIER")
REFUSALS_BEFORE_PAUSE = env.integer("REFUSALS_BEFORE_PAUSE", 20, 0, 10_000)
MAX_PAID_CANCELS = env.integer("MAX_PAID_CANCELS", 20, 0, 1_000_000)
SWEEP_S = env.seconds("SWEEP_S", 5, 0.2, 60)
# A call that lasts for a lease is taken for one that hangs.
if env.text("CALL_TOTAL_S") and CALL_TOTAL_S > LEASE_S * 3 / 4:
    raise ImproperlyConfigured(
        f"CALL_TOTAL_S={CALL_TOTAL_S:g}: at most three quarters of LEASE_S ({LEASE_S:g})."
    )
CALL_TOTAL_S = min(CALL_TOTAL_S, LEASE_S * 3 / 4)

# --- Addresses that others chose ----------------------------------------------------------------

# For development and tests: results may then also come from this machine, over plain http.
OUTBOUND_LOOPBACK = env.flag("OUTBOUND_LOOPBACK", False)
# Inside of our network, and allowed to the staff of every shop as upstreams: these alone, to the port.
UPSTREAM_ORIGINS = env.origins("UPSTREAM_ORIGINS")

# Customers' webhooks: how many a process sends at once, how long their log is kept, after how many days of failures
# alone an endpoint is switched off. The schedule of tries takes more than three days.
WEBHOOKS_AT_ONCE = env.integer("WEBHOOKS_AT_ONCE", 64, 1, 1000)
WEBHOOK_LOG_DAYS = env.integer("WEBHOOK_LOG_DAYS", 30, 1, 36_500)
WEBHOOK_DISABLE_DAYS = env.integer("WEBHOOK_DISABLE_DAYS", 5, 1, 365)

# Where GitHub shows the keys that it signs its reports of leaked API keys with.
_github_keys = env.address(
    "GITHUB_SECRET_SCANNING_KEYS_URL",
    "https://api.github.com/meta/public_keys/secret_scanning",
    ("https",),
    "https://api.github.com/meta/public_keys/secret_scanning",
)
GITHUB_SECRET_SCANNING_KEYS_URL = _github_keys.geturl() if _github_keys else ""

# --- Celery: it only rings doorbells, the rows are the queue -------------------------------------

_broker_dir = DATA_DIR / "broker"
if REDIS_URL:
    CELERY_BROKER_URL = REDIS_URL
    # max_retries: else kombu tries a dead Redis again for four to six seconds, whatever `retry=False` says.
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
        "socket_timeout": 1,
        "socket_connect_timeout": 1,
        "max_retries": 0,
    }
else:
    CELERY_BROKER_URL = "filesystem://"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_broker_dir / "queue"),
        "polling_interval": 0.05,
    }
CELERY_BEAT_SCHEDULE = beat.schedule(SWEEP_S)

# --- Logs ---------------------------------------------------------------------------------------

LOG_LEVEL = env.word("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_FORMAT = env.word("LOG_FORMAT", "lines", logs.FORMATS)
LOGGING = logs.configuration(LOG_LEVEL, LOG_FORMAT)

# --- Watching: nothing of it unless it is set -----------------------------------------------------

METRICS_TOKEN, METRICS_NETWORKS = env.token("METRICS_TOKEN"), env.inside_networks("METRICS_NETWORKS")
METRICS, METRICS_DIR = bool(METRICS_TOKEN or METRICS_NETWORKS), DATA_DIR / "metrics"
# How long something may be wrong until operators are told by mail; and until they are told of the same once more.
ALARM_QUEUE_S = env.seconds("ALARM_QUEUE_S", 60, 1, 86_400)
ALARM_CIRCUIT_S = env.seconds("ALARM_CIRCUIT_S", 120, 1, 86_400)
ALARM_STRIPE_S = env.seconds("ALARM_STRIPE_S", 600, 1, 86_400)
ALARM_WEBHOOKS_S = env.seconds("ALARM_WEBHOOKS_S", 600, 1, 86_400)
ALARM_AGAIN_S = env.seconds("ALARM_AGAIN_S", 3600, 1, 604_800)
_dsn = env.address("SENTRY_DSN", "", ("http", "https"), "https://key@sentry.example/1")
SENTRY_DSN, SENTRY_ENVIRONMENT = _dsn.geturl() if _dsn else "", env.text("SENTRY_ENVIRONMENT", "production")
_otlp = env.address("OTEL_EXPORTER_OTLP_ENDPOINT", "", ("http", "https"), "http://collector.example:4318")
OTLP_ENDPOINT = _otlp.geturl().rstrip("/") if _otlp else ""
OTLP_HEADERS = env.pairs("OTEL_EXPORTER_OTLP_HEADERS")
env.installed_for(SENTRY_DSN, "SENTRY_DSN", "sentry_sdk", "sentry")
env.installed_for(OTLP_ENDPOINT, "OTEL_EXPORTER_OTLP_ENDPOINT", "opentelemetry.exporter", "otel")
if OTLP_ENDPOINT:  # right inside the one that gives requests their ids
    MIDDLEWARE.insert(1, "config.watching.tracing.TracingMiddleware")
if METRICS:
    MIDDLEWARE.insert(0, "config.watching.requests.CountingMiddleware")
