"""An app that takes its time to load."""

from .record import note, wait_for

note("loading")
wait_for("never", 30.0)
