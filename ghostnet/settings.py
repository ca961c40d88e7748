"""Django's settings; everything that differs between installations comes from `ghostnet.environment`."""

import secrets
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import dotenv
from csp.constants import NONE, SELF

from ghostnet.environment import PROJECT, BadEnvironment, Environment
from ghostnet.observability.logs import logging_of
from indexer.base.redaction import Mask
from indexer.store.address import database_settings

dotenv.load_dotenv(PROJECT / ".env")  # into the process: libraries read variables of their own, as OTEL_SERVICE_NAME
GHOSTNET = Environment.read()


def _development_secret(data_dir: Path) -> str:
    """A secret that is made once and kept in a file, for installations that set none; production must set one."""
    path = data_dir / "secret_key"
    try:
        if not path.exists():
            data_dir.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(48))
        return path.read_text()
    except OSError as error:
        raise BadEnvironment(f"GHOSTNET_DATA_DIR: {path} can't be read or written ({error.strerror})") from error


SECRET_KEY = GHOSTNET.secret_key or _development_secret(GHOSTNET.data_dir)
DEBUG = GHOSTNET.debug
ALLOWED_HOSTS = list(GHOSTNET.allowed_hosts)

INSTALLED_APPS = [
    "ghostnet.apps.GhostnetAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "channels",
    "csp",
    "ninja",
    "ghostnet.apps.GhostnetConfig",
    "ghostnet.pages",
    "indexer",
    "api",
    "realtime",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "axes.middleware.AxesMiddleware",
    "ghostnet.http.database.PageWithoutDatabase",
]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["ghostnet.admin.passwords.PatientHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = ["ip_address"]
AXES_CLIENT_IP_CALLABLE = "ghostnet.admin.login.client_address"
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
ROOT_URLCONF = "ghostnet.urls"
ASGI_APPLICATION = "ghostnet.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PROJECT / "templates"],
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
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
STATIC_URL = "static/"
STATIC_ROOT = PROJECT / "staticfiles"
COLLECTED = sys.argv[1:2] == ["collectstatic"] or (STATIC_ROOT / "staticfiles.json").exists()
"""Images are built with `collectstatic`: compressed files, under names that change with their content."""
if not COLLECTED:
    STATIC_ROOT.mkdir(exist_ok=True)  # WhiteNoise warns of one that is missing
WHITENOISE_USE_FINDERS = not COLLECTED
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "ghostnet.pages.storage.HashedStaticFiles"
        if COLLECTED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
SECURE_SSL_REDIRECT = GHOSTNET.https
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if GHOSTNET.proxies else None
SECURE_HSTS_SECONDS = 31_536_000 if GHOSTNET.https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = GHOSTNET.https
CSRF_COOKIE_SECURE = GHOSTNET.https
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 3600

EMBEDDED_DATABASE: dict[str, Any] = {
    "ENGINE": "ghostnet.database",
    "NAME": "ghostnet",
    "USER": "postgres",
    "EMBEDDED_IN": GHOSTNET.data_dir,
}
DATABASES: dict[str, Any] = {
    "default": {**database_settings(GHOSTNET.database_url), "ENGINE": "ghostnet.database"}
    if GHOSTNET.database_url
    else EMBEDDED_DATABASE
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {  # of the pages' boards, some 50 kB each; the API's answers are kept by `ghostnet.http.caching_frontend`
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 300}},
}

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"

LOGGING = logging_of(GHOSTNET.log_format, GHOSTNET.log_level, Mask(GHOSTNET.addresses, [SECRET_KEY]))
