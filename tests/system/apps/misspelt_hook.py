"""An app with a hook that there is not."""

from buoy import Job, hookimpl


@hookimpl
def worker_begun() -> None:
    """Nobody calls this."""


class Tell(Job):
    def perform(self) -> None: ...
