"""The jobs of buoy in an app that is as large as one with a big web framework."""

from benchmarks import ballast

from .buoy_app import enqueue, enqueue_many

__all__ = ["enqueue", "enqueue_many"]

ballast.grow_to(150)
