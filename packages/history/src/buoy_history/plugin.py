"""The plugin History: what it adds to the end of a job."""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from buoy import Job, Plugin, RunInfo, hookimpl
from buoy.plugins import SEALED, expect, expect_flags, is_sealed, shown_arguments

from . import record, store

WEEK = timedelta(days=7)
RESULT = "_buoy_history_result"
"""The attribute of a job that holds its result, from its return until its outcome is decided. What
lies in ``job.plugin_data`` would be stored with a job that fails after all."""


@dataclass(frozen=True)
class History(Plugin):
    """Remembers how the jobs of a class have ended: done, failed for good, or rejected.

    ``keep``: for how long, in seconds or as a timedelta. ``most``: how many of each class in each
    queue. Whichever is reached first counts. ``args``, ``result``: whether to keep the arguments,
    and what ``perform`` returns; each only if it has at most ``max_size`` bytes of JSON.
    """

    keep: float | timedelta = WEEK
    most: int = 100_000
    args: bool = True
    result: bool = False
    max_size: int = 4096

    def __post_init__(self) -> None:
        kind = type(self.keep) in (int, float, timedelta)
        expect(kind, "History.keep", "seconds or a timedelta", self.keep)
        fits = 1 <= self.seconds < 10**9
        expect(fits, "History.keep", "at least 1 second, less than 10 ** 9", self.keep)
        for name, highest in (("most", 10**7), ("max_size", 1024 * 1024)):
            number = getattr(self, name)
            fits = type(number) is int and 1 <= number <= highest
            expect(fits, f"History.{name}", f"1 to {highest}", number)
        expect_flags(self, "args", "result")

    @property
    def seconds(self) -> float:
        """For how long an end is kept."""
        keep = self.keep
        return keep.total_seconds() if isinstance(keep, timedelta) else keep

    @hookimpl(wrapper=True)
    def around_perform(self, job: Job) -> Generator[None, Any, Any]:
        result = yield
        if self.result and not job.is_inline:
            kept = record.encoded(shown_result(job, result), "result", self.max_size)
            object.__setattr__(job, RESULT, kept)  # a class may have its own __setattr__
        return result

    @hookimpl
    def after_run(self, job: Job | None, run: RunInfo) -> None:
        if job is None or job.is_inline:
            return
        state = record.state_of(run.outcome)
        if state is None:
            return
        fields = record.fields_of(job, run, state)
        if self.args:
            fields |= record.encoded(list(shown_arguments(job)), "args", self.max_size)
        if state == "done":
            fields |= vars(job).get(RESULT, {})
        store.attach_ended(job, fields, self.seconds, self.most)


def shown_result(job: Job, result: Any) -> Any:
    """Returns a result as people may see it: ``[sealed]`` if the class of the job seals it."""
    return SEALED if result is not None and is_sealed(job) else result
