"""An app with a hook that there is not."""

from buoy import hookimpl


@hookimpl
def worker_begun() -> None:
    """Nobody calls this."""
