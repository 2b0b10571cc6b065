"""The backend of ``django.tasks`` that runs tasks as jobs of buoy."""

from .backend import BuoyBackend

__all__ = ["BuoyBackend"]
