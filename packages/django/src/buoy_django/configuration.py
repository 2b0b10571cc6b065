"""``settings.BUOY``: takes the place of buoy's configuration file."""

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

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


# Who may see the dashboard


def import_role(path: Any) -> Callable[[Any], Any]:
    """Returns the function of a user that ``DASHBOARD_ROLE`` names, and without it ``role_of``;
    raises ImproperlyConfigured if there is none under this path."""
    if path == OWN["DASHBOARD_ROLE"]:
        return role_of
    try:
        found = import_string(path)
        if callable(found):
            return found  # type: ignore[no-any-return]  # what it returns is checked at each call
        problem = f"got {path!r}, which is {type(found).__name__}"
    except (ImportError, AttributeError) as error:
        problem = f"got {path!r} ({error})"
    raise ImproperlyConfigured(
        f"{SOURCE}: DASHBOARD_ROLE: expected the path of a function of a user that returns "
        f'"viewer", "operator", "admin" or None, {problem}'
    )


def role_of(user: Any) -> Any:
    """Returns the role of a user: superusers are admins, other staff sees only."""
    if not (user.is_active and user.is_staff):
        return None
    return "admin" if user.is_superuser else "viewer"
