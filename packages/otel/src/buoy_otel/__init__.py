"""buoy-otel: traces jobs from their enqueueing to their end, and measures them, with
OpenTelemetry."""

from .plugin import OpenTelemetry

__version__ = "0.1.0"
__all__ = ["OpenTelemetry"]
