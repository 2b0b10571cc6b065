"""The app ``"buoy_django"`` of ``INSTALLED_APPS``."""

from django.apps import AppConfig

from .checks import register_checks
from .configuration import configure


class BuoyConfig(AppConfig):  # type: ignore[misc]  # Django is not typed
    """Lets buoy read ``settings.BUOY`` when Django is set up."""

    name = "buoy_django"
    verbose_name = "Jobs"

    def ready(self) -> None:
        """Configure buoy; raises ImproperlyConfigured for what is no dict of settings."""
        configure()
        register_checks()
