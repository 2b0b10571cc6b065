"""What goes wrong with steps, and the end of a run that goes on elsewhere."""

from buoy import BuoyError


class StepsError(BuoyError):
    """Steps or cursors are used in a way that cannot be resumed."""


class StepsChanged(StepsError):
    """The steps of a job are others than those that an earlier run of it has begun."""


class CrashedTooOften(StepsError):
    """Too many runs of a job have crashed in one step."""


class GoesOnLater(BaseException):
    """Ends a run at a checkpoint: the job goes back to its queue, and the next run goes on there.

    Like asyncio.CancelledError it is no Exception, so that ``except Exception`` in a job does not
    stop it. Catch it to clean up, and raise it again.
    """

    shows_no_arguments = True
    """To buoy-sealed: the message need not be hidden."""
