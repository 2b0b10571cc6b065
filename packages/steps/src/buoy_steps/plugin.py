"""The plugin Steps: what it adds to the beginning and to the end of a run."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from buoy import DirtyExit, Job, JobTimeout, Later, Plugin, RunInfo, WorkerLost, hookimpl
from buoy.plugins import expect

from .errors import CrashedTooOften, GoesOnLater, StepsError
from .progress import Progress
from .run import begin_run, run_of
from .store import NAME, stored_progress

LOST = "buoy_steps_lost"
"""The attribute of a job that says how many runs before this one were lost in a row."""
AT_ONCE = Later(0, count=False)


@dataclass(frozen=True)
class Steps(Plugin):
    """Lets a job go on where its last run ended: after a deploy, after a crash, after a failure.

    ``every``: seconds between two writes of a cursor, at least. ``max_crashes``: how many runs may
    crash in one step, at no cost of an attempt. ``max_runtime``: seconds after which a run gives
    its slot to other jobs, and goes on later; None for no limit.
    """

    every: float = 0.5
    max_crashes: int = 3
    max_runtime: float | None = None

    def __post_init__(self) -> None:
        for name in ("every", "max_runtime"):
            value = getattr(self, name)
            fits = type(value) in (int, float) and 0.1 <= value < 10**9
            none = name == "max_runtime"
            wanted = "0.1 seconds or more" + ", or None" * none
            expect(fits or (none and value is None), f"Steps.{name}", wanted, value)
        fits = type(self.max_crashes) is int and 0 <= self.max_crashes < 10**6
        expect(fits, "Steps.max_crashes", "a whole number, 0 or more", self.max_crashes)

    @hookimpl
    def before_run(self, job: Job, run: RunInfo) -> None:
        if run.lost:
            vars(job)[LOST] = run.lost

    @hookimpl(wrapper=True)
    def around_perform(self, job: Job) -> Generator[None, Any, Any]:
        run = begin_run(
            job,
            vars(job).get(LOST, 0),
            every=self.every,
            max_crashes=self.max_crashes,
            max_runtime=self.max_runtime,
        )
        result = yield
        run.check_end()
        return result

    # First: Retry would count the end of a run that goes on later as a failure.
    @hookimpl(tryfirst=True)
    def on_failure(self, job: Job, error: BaseException) -> Later | None:
        """Returns AT_ONCE for a run that goes on later or crashed; others decide on failures."""
        run = run_of(job)
        if run is None:
            return self.after_death(job, error) if isinstance(error, DirtyExit) else None
        run.progress.lost = 0  # whatever is decided, the core then counts from 0
        run.write()
        return AT_ONCE if isinstance(error, GoesOnLater) else None

    def after_death(self, job: Job, error: DirtyExit) -> Later | None:
        """Returns AT_ONCE for a job whose process or workers have died, if its step may crash once
        more; else says in the error which step it is."""
        is_lost = isinstance(error, WorkerLost)  # then the job has just been read from Redis
        stored = job.plugin_data.get(NAME) if is_lost else stored_progress(job)
        try:
            progress = Progress.parsed(stored)
        except StepsError:  # the next run says it
            return None
        known, progress.lost = progress.lost, 0
        verdict = None
        try:
            if not isinstance(error, JobTimeout):
                times = error.times - known if isinstance(error, WorkerLost) else 1
                progress.add_crashes(max(0, times), self.max_crashes)
                verdict = AT_ONCE
        except CrashedTooOften as crashed:
            error.args = (f"{error}; {crashed}",)
        job.plugin_data[NAME] = progress.record()
        return verdict
