"""At most one run of a job at a time in one worker."""

from collections.abc import Iterable

from ..model.reservation import Reservation, Settlement


class ExclusiveRuns:
    """Makes a newer run of a job wait for the end of the older one.

    A worker that was cut off for longer than its lease may reserve a job again that it still runs.
    The main thread starts runs, any thread finishes them; so each step is one operation of a dict.
    """

    def __init__(self) -> None:
        self.runs: dict[tuple[str, str], str] = {}
        """The token of the run of each job that is here, by queue and id."""
        self.waiting: dict[tuple[str, str], Reservation] = {}
        """The newer run that waits for the end of that one, by queue and id."""

    def start(self, reservation: Reservation) -> bool:
        """Whether this run may start now. If not, ``finish`` returns it when it may."""
        job = reservation.queue, reservation.id
        if self.runs.setdefault(job, reservation.token) == reservation.token:
            return True
        self.waiting[job] = reservation
        if job in self.runs or self.waiting.pop(job, None) is None:
            return False
        self.runs[job] = reservation.token  # the older run has ended between these lines
        return True

    def finish(self, run: Reservation | Settlement) -> Reservation | None:
        """A run has ended or will not start. Returns the run that waited for this, if any."""
        job = run.queue, run.id
        if self.runs.get(job) != run.token:
            return None
        del self.runs[job]
        newer = self.waiting.pop(job, None) if self.waiting else None
        if newer:
            self.runs[job] = newer.token
        return newer

    def drop(self, lost: Iterable[Reservation]) -> None:
        """Forget those of these runs that wait for the end of another run."""
        for each in lost:
            if self.waiting.get((each.queue, each.id)) == each:
                self.waiting.pop((each.queue, each.id), None)

    def release_waiting(self) -> list[Settlement]:
        """Forget all runs that wait for the end of another run. Returns their settlements."""
        popped = [self.waiting.pop(job, None) for job in list(self.waiting)]
        return [Settlement.of(each, "released") for each in popped if each]
