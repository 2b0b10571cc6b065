"""A small project. The tests say by the environment where its database is."""

import os
from importlib.util import find_spec
from pathlib import Path

from buoy_retry import Constant, Retry
from buoy_sealed import Sealed, new_key

BASE_DIR = Path(__file__).parent.parent
SECRET_KEY = "of tests"
DEBUG = False
ALLOWED_HOSTS = ["testserver"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "mysite.urls"
DATABASES: dict[str, dict[str, object]] = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("SHOP_DATABASE", ":memory:"),
    }
}
if "SHOP_POSTGRES" in os.environ:
    DATABASES["default"] = {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ["SHOP_POSTGRES"],  # the folder of its socket
        "NAME": "postgres",
        "USER": "postgres",
        "CONN_MAX_AGE": int(os.environ["SHOP_MAX_AGE"]),
        "CONN_HEALTH_CHECKS": "SHOP_HEALTH_CHECKS" in os.environ,
    }
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "buoy_django",
    "shop",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
BACKEND = "buoy_django.tasks.BuoyBackend"
TASKS = {
    "default": {"BACKEND": BACKEND, "QUEUES": ["default", "slow"]},
    "patient": {"BACKEND": BACKEND, "OPTIONS": {"PLUGINS": [Retry(limit=1, delay=Constant(60))]}},
    "secret": {"BACKEND": BACKEND, "OPTIONS": {"PLUGINS": [Sealed(new_key("2026-11"))]}},
}
if find_spec("django.tasks") is None:
    INSTALLED_APPS.append("django_tasks")

BUOY = {"URL": os.environ.get("SHOP_REDIS", "redis://127.0.0.1:1"), "NAMESPACE": "shop"}
