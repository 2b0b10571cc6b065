"""``settings.BUOY``: takes the place of buoy's configuration file."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from buoy import App, Job, Plugin
from buoy.plugins import use_settings
from buoy_aftercommit import AfterCommit

from .connections import DjangoConnections

SOURCE = "settings.BUOY"
AUTODISCOVER = "buoy_django.autodiscover"
"""What workers import by default: it sets Django up, and imports the jobs of all apps."""
OWN = {"AFTER_COMMIT": True, "DASHBOARD_ROLE": ""}
"""The settings of this package, with their defaults. All others are those of buoy."""


def configure() -> None:
    """Let buoy read ``settings.BUOY``, and give all jobs the plugins that they need in Django.

    Raises ImproperlyConfigured if it is no dict with names of settings in upper case.
    """
    given = given_settings()
    of_buoy = {name.lower(): value for name, value in given.items() if name not in OWN}
    use_settings(SOURCE, {"app": AUTODISCOVER} | of_buoy)
    Job.app = App(plugins=app_wide_plugins())


def app_wide_plugins() -> list[Plugin]:
    """Returns the plugins of all job classes. An app of your own needs them, too:
    ``App(url, plugins=app_wide_plugins())``."""
    plugins: list[Plugin] = [DjangoConnections()]
    return [*plugins, AfterCommit()] if own_setting("AFTER_COMMIT") else plugins


def own_setting(name: str) -> Any:
    """Returns the value of a setting of this package, or its default."""
    return given_settings().get(name, OWN[name])


def given_settings() -> Mapping[str, Any]:
    """Returns ``settings.BUOY``; raises ImproperlyConfigured if it cannot be used at all."""
    given = getattr(settings, "BUOY", {})
    if not isinstance(given, Mapping):
        raise ImproperlyConfigured(
            f'{SOURCE}: expected a dict such as {{"URL": "redis://…"}}, got {type(given).__name__}'
        )
    wrong = [name for name in given if not isinstance(name, str) or name != name.upper()]
    if wrong:
        raise ImproperlyConfigured(
            f"{SOURCE}: expected names of settings in upper case such as URL, got {wrong[0]!r}"
        )
    return given
