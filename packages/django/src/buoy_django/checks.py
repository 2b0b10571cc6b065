"""System checks: ``manage.py check``, and what needs Redis only with ``--deploy``."""

from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from buoy import BuoyError, Job
from buoy.plugins.operators import examine

from .configuration import OWN, SOURCE, import_role, own_setting

Messages = Iterator[checks.CheckMessage]

OF_REDIS = {"eviction", "memory", "persistence", "clock"}
"""What ``buoy doctor`` looks at that a deploy sets up. The rest changes while jobs run."""


def register_checks() -> None:
    """Add the checks to those of Django."""
    for check in (check_settings, check_dashboard_role, check_after_commit):
        checks.register(as_check(check), "buoy")
    checks.register(as_check(check_redis), "buoy", deploy=True)


def as_check(check: Callable[[], Messages]) -> Callable[..., list[checks.CheckMessage]]:
    """Returns a check as Django wants it."""

    def run(*args: Any, **kwargs: Any) -> list[checks.CheckMessage]:
        return list(check())

    return run


def check_settings() -> Messages:
    """All settings have names that are known, and values that are valid; the plugins that they
    name can be used, and the URL is one of a Redis, which need not be there yet."""
    try:
        Job.app.settings  # noqa: B018 - reads them
        Job.app.monitor  # noqa: B018 - reads the URL
        Job.app.plugins  # noqa: B018 - imports them
    except BuoyError as error:
        hint = f"This package has these settings, too: {', '.join(OWN)}."
        yield checks.Error(str(error), hint=hint, id="buoy.E001")
    if type(own_setting("AFTER_COMMIT")) is not bool:
        text = (
            f"{SOURCE}: AFTER_COMMIT: expected True or False, got {own_setting('AFTER_COMMIT')!r}"
        )
        yield checks.Error(text, id="buoy.E002")


def check_dashboard_role() -> Messages:
    """The function that decides who sees the dashboard is there."""
    try:
        import_role(own_setting("DASHBOARD_ROLE"))
    except ImproperlyConfigured as error:
        yield checks.Error(str(error), id="buoy.E005")


def check_after_commit() -> Messages:
    """Jobs of views that run in a transaction wait for its end."""
    if own_setting("AFTER_COMMIT"):
        return
    atomic = [name for name, one in settings.DATABASES.items() if one.get("ATOMIC_REQUESTS")]
    if atomic:
        yield checks.Warning(
            f"{SOURCE}: AFTER_COMMIT is False, and each view is a transaction of the database "
            f"{', '.join(atomic)} (ATOMIC_REQUESTS): a job may run before the rows of its view "
            "are there.",
            hint="Take AFTER_COMMIT away, or use AfterCommit() on job classes.",
            id="buoy.W001",
        )


def check_redis() -> Messages:
    """Redis can be reached, and is set up to keep jobs: what ``buoy doctor`` finds of it."""
    try:
        findings = examine(Job.app)
    except BuoyError as error:
        hint = f"Correct URL in {SOURCE}, or start Redis."
        yield checks.Error(f"Redis cannot be asked: {error}", hint=hint, id="buoy.E003")
        return
    for each in findings:
        kind = {"wrong": checks.Error, "note": checks.Warning}.get(each.state)
        if kind is not None and each.subject in OF_REDIS:
            id = "buoy.E004" if each.state == "wrong" else "buoy.W002"
            yield kind(f"{each.subject}: {each.text}", hint=each.advice or None, id=id)
