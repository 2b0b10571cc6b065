"""What workers import (``-a buoy_django.autodiscover``): sets Django up, and imports ``jobs.py``
and ``tasks.py`` of each installed app."""

from importlib import import_module

import django
from django.apps import apps
from django.utils.module_loading import module_has_submodule

MODULES = ("jobs", "tasks")


def import_jobs() -> None:
    """Import the modules with jobs; raises what they raise."""
    for config in apps.get_app_configs():
        for name in MODULES:
            if config.name != "buoy_django" and module_has_submodule(config.module, name):
                import_module(f"{config.name}.{name}")


if not apps.ready:
    django.setup()
import_jobs()
