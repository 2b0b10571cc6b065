"""The jobs of concurrent.py, where coroutines that are cancelled have a minute for their end. On a
busy machine the usual two seconds are not always enough."""

from buoy.executor.async_ import Async

from . import concurrent  # noqa: F401 - its jobs are run

Async.shutdown_seconds = 60.0
