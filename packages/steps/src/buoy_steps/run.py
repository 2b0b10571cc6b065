"""One run of a job with steps: what it has begun, when it keeps its progress, when it ends."""

import time
from typing import Any

from buoy import BrokerError, ConfigurationError, Job, current_job
from buoy.plugins import NotJson, is_stopping, log_fields, seen_by_hooks
from buoy.plugins.redis import RedisSteps, keep_plugin_data

from .errors import GoesOnLater, StepsError
from .progress import (
    UNNAMED,
    Progress,
    changed,
    check_place,
    checked_cursor,
    checked_name,
    copied,
)
from .store import NAME, log, opened, sealed_cursor

ATTRIBUTE = "buoy_steps"
"""The attribute of the job, as hooks see it, that holds its run."""
OUTAGE_PAUSE = 10.0
"""Seconds for which nothing is kept after Redis could not be reached."""


class Run:
    """What one run knows of its steps. Without a job (a test calls ``perform`` itself), and for an
    inline job, nothing is kept, and the run never ends early."""

    def __init__(
        self,
        job: Job | None = None,
        *,
        every: float = 0.5,
        max_crashes: int = 3,
        max_runtime: float | None = None,
        lost: int = 0,
    ) -> None:
        now = time.monotonic()
        self.job = None if job is None or job.is_inline else job
        """The job whose progress is kept."""
        self.every, self.max_crashes, self.lost = every, max_crashes, lost
        self.max_runtime = max_runtime
        stored = None if self.job is None else self.job.plugin_data.get(NAME)
        self.progress = opened(Progress.parsed(stored), job)
        self.recorded = self.progress.names
        """The steps that earlier runs have begun."""
        self.begun: list[str] = []
        self.must_keep = False
        """Whether a step is done, and Redis does not know it yet."""
        self.has_looped = False
        """Whether the present step has had its loop."""
        self.has_lost_job = False
        self.goes_on_later: GoesOnLater | None = None
        """Why this run ends early, if it does."""
        self.keep_at = now + every
        self.away_until = now
        """Until when Redis is not asked, since it could not be reached."""
        self.end_at = float("inf") if max_runtime is None else now + max_runtime

    @property
    def is_live(self) -> bool:
        """Whether the step that was begun last is to be run: no earlier run has done it."""
        return bool(self.begun) and self.begun[-1] == self.progress.step

    # Steps

    def begin(self, name: str) -> bool:
        """Begin a step. Returns False if an earlier run has done it. Raises StepsError."""
        name = checked_name(name)
        check_place(self.begun, self.recorded, name)
        first = not self.is_live
        self.begun.append(name)
        if len(self.begun) <= len(self.progress.done):
            return False
        if self.progress.step != name:
            self.progress.begin(name)
            can_keep = self.job is not None and time.monotonic() >= self.away_until
            self.must_keep = can_keep and bool(self.progress.done)
        self.has_looped = False
        if first:
            self.count_crashes()
        self.end_if_due()
        return True

    def count_crashes(self) -> None:
        """The runs before this one that were lost have crashed in the step that begins now."""
        known, self.progress.lost = self.progress.lost, self.lost
        self.progress.add_crashes(max(0, self.lost - known), self.max_crashes)

    def check_end(self) -> None:
        """Raise StepsChanged if this run ends without a step that an earlier one has begun; and
        what a bare ``except`` in perform has stopped: the job is not done."""
        if self.goes_on_later is not None:
            raise self.goes_on_later
        if len(self.begun) < len(self.recorded):
            raise changed(self.recorded[len(self.begun)], "and this run has ended without it")

    # Loops

    def last_cursor(self) -> Any:
        """Returns the cursor of the present step; None if its loop begins, or the step is done."""
        self.begin_unnamed()
        return copied(self.progress.cursor) if self.is_live else None

    def begin_unnamed(self) -> None:
        """Begin the step of what stands before all steps with names."""
        if not self.begun:
            self.begin(UNNAMED)

    def begin_loop(self) -> None:
        """Begin the loop of the present step. Raises StepsError if it has had one, or is done."""
        self.begin_unnamed()
        if not self.is_live:
            raise StepsError(
                f"step {self.begun[-1]!r} is done, and a loop behind it would begin anew: put the "
                f'loop into "if step({self.begun[-1]!r}):", or begin another step before it'
            )
        if self.has_looped:
            raise StepsError(
                f"step {self.begun[-1]!r}: expected one loop, got another one: begin a step for it"
            )
        self.has_looped = True

    def begin_own_loop(self) -> None:
        """Let a loop of the job's own begin, if none has."""
        if not (self.has_looped and self.is_live):
            self.begin_loop()

    def check_loop(self, place: int) -> None:
        """Raise StepsError if another step has begun than that of a loop, which has this place: its
        cursors would be those of the other step."""
        if len(self.begun) != place:
            raise StepsError(
                f"step {self.begun[-1]!r} has begun within the loop of step "
                f"{self.begun[place - 1]!r}: end the loop first, or let its body begin no step"
            )

    def rows_done(self) -> int:
        """Returns how many rows a loop without cursors has done. Raises StepsError if the cursor of
        this step is no number."""
        done = 0 if self.progress.cursor is None else self.progress.cursor
        if type(done) is int and done >= 0:
            return done
        raise StepsError(
            f"step {self.progress.step!r}: expected a number of rows that are done, got the cursor "
            f"{done!r:.80}: loop as before, or give the step a new name"
        )

    def reach(self, cursor: object) -> bool:
        """All up to this cursor is done. Returns whether to keep it now. Raises StepsError for what
        can be no cursor, GoesOnLater if the run is to end here."""
        self.progress.cursor = checked_cursor(self.progress.step, cursor)
        self.end_if_due()
        return self.job is not None and time.monotonic() >= self.keep_at

    # What is kept

    def write(self) -> None:
        """Put the progress into ``job.plugin_data``, which goes along with the next transition."""
        if self.job is not None and self.progress.step is not None:
            self.progress.kept, self.progress.kept_at = self.progress.kept + 1, time.time()
            self.job.plugin_data[NAME] = self.progress.record() | sealed_cursor(
                self.job, self.progress.cursor
            )

    def keep_steps(self) -> RedisSteps[None]:
        """Keeps the progress in Redis. If Redis cannot be reached, that is logged. Raises
        GoesOnLater if the run has lost its job."""
        assert self.job is not None
        self.write()
        self.keep_at, self.must_keep = time.monotonic() + self.every, False
        try:
            self.has_lost_job = not (yield from keep_plugin_data(self.job))
        except (BrokerError, NotJson, UnicodeEncodeError) as error:  # the others: of foreign data
            self.keep_at = self.away_until = time.monotonic() + OUTAGE_PAUSE
            text = "%r: progress is not kept for %g s: %s"
            log.warning(text, self.job, OUTAGE_PAUSE, error, extra=log_fields(self.job))
        self.end_if_due()

    def end_if_due(self) -> None:
        """Raise GoesOnLater if the run is to end at this checkpoint."""
        if self.job is not None and (reason := self.reason_to_end()):
            self.goes_on_later = GoesOnLater(f"step {self.progress.step!r} goes on later: {reason}")
            raise self.goes_on_later

    def reason_to_end(self) -> str:
        if self.has_lost_job:
            return "this run has lost its job (cancelled, or another worker has it)"
        if is_stopping():
            return "the worker stops"
        if time.monotonic() >= self.end_at:
            return f"other jobs get the slot after max_runtime={self.max_runtime:g}"
        return ""


def begin_run(job: Job, lost: int, **options: Any) -> Run:
    """Begin the run of a job with steps. Raises StepsError if its progress cannot be read."""
    vars(job)[ATTRIBUTE] = run = Run(job, lost=lost, **options)
    return run


def run_of(job: Job) -> Run | None:
    """Returns the run of a job, as hooks see the job; None if none has begun in this process."""
    found = vars(job).get(ATTRIBUTE)
    return found if isinstance(found, Run) else None


def current_run() -> Run:
    """Returns the run that calls this; outside of jobs, one that keeps nothing. Raises
    ConfigurationError if the class of the job has no Steps."""
    job = current_job(None)
    if job is None:
        return Run()
    run = run_of(seen_by_hooks(job))
    if run is None:
        raise ConfigurationError(
            f"{seen_by_hooks(job).name}: expected Steps() in its plugins, since it calls functions "
            "of buoy_steps, got none"
        )
    return run
