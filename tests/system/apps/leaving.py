"""An app that tells of the end of its processes, and may take long for it."""

import os

from buoy import hookimpl

from .jobs import Wait  # noqa: F401 - a job of this app
from .record import note, wait_for


@hookimpl
def before_exit() -> None:
    note("leaves")
    if "SLOWLY" in os.environ:
        wait_for("never")
