"""The nasty jobs, in an app whose log handlers, filters and hooks of Python fail."""

from . import nasty

nasty.alarmed()
