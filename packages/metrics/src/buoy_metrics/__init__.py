"""Numbers about queues, jobs and workers, as Prometheus reads them."""

from .collector import BuoyCollector
from .mounted import asgi_app, wsgi_app

__version__ = "0.1.0"
__all__ = ["BuoyCollector", "asgi_app", "wsgi_app"]
