"""buoy in Django: put ``"buoy_django"`` into ``INSTALLED_APPS``."""

__version__ = "0.1.0"
__all__: list[str] = []
