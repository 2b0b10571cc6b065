"""How a worker runs the jobs that it has reserved."""

from collections.abc import Sequence
from typing import Protocol

from ..model.reservation import Reservation, Settlement
from ..settings import Settings


class Executor(Protocol):
    """Runs reserved jobs and says what becomes of them. Called by the worker's main thread."""

    name: str
    slots: int
    in_process: bool
    """Whether jobs run in the worker's own process."""
    last_words: float
    """In its own process: seconds after ``stop`` for which a job may still end by itself."""

    @property
    def tended(self) -> bool:
        """Whether the keeper is to look after jobs here; see overdue."""

    def start(self) -> Settings:
        """Get ready, and return the settings of the app to serve; raises ConfigurationError when
        the app cannot be run so."""

    def room(self) -> int:
        """How many more jobs it would take now."""

    def begin(self, held: Sequence[Reservation]) -> None:
        """Run these jobs; that may take until they have ended."""

    def ended(self) -> list[Settlement]:
        """What has become of jobs since this was asked last."""

    def files(self) -> list[int]:
        """What to wait for: one of these is readable when ``ended`` has something new."""

    def patience(self) -> float:
        """After how many seconds to ask ``ended`` again, whether files are readable or not."""

    def overdue(self) -> list[Settlement]:
        """Called by the keeper thread, again and again while jobs are tended: what should be
        settled now, and what should be given back, since it waits behind slow jobs.
        """

    def abandon(self, lost: Sequence[Reservation]) -> None:
        """These are no longer held: end them, nobody wants their results."""

    def kill(self) -> None:
        """Kill the running jobs; they fail."""

    def retire(self) -> None:
        """Begin nothing more; give back what waits."""

    def stop(self) -> None:
        """The grace time is over: end the running jobs; what does not end well is given back."""

    def close(self) -> None:
        """The worker ends."""
