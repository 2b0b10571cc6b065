"""``Retry``: runs a job again when it has failed."""

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

from buoy import Job, Later, Plugin, hookimpl
from buoy.plugins import Log, expect, log_fields

from .attempts import Attempt, add_attempt, count_snooze, reset_snoozes, snooze_count
from .delay import Delay, Exponential, GivenDelay, bounded_seconds, delay_strategy
from .error_kinds import (
    Group,
    Kind,
    Kinds,
    On,
    Rules,
    checked_kinds,
    checked_rules,
    nearest_kind,
)
from .errors import RetryAfter, Snooze
from .http import retry_after
from .option_checks import check_callable, check_hashable, is_count, repr_without_defaults

log = Log("buoy.retry")
GiveUpCallback = Callable[[Job, BaseException], object]
DEFAULT_DELAY = Exponential()


@dataclass(frozen=True, init=False, repr=False)
class Retry(Plugin):
    """Runs a job again when it has failed: at most ``limit`` times after the first run (None:
    without limit), each time after ``delay``, if its error is one of ``on`` and none of ``never``.

    A job that is not run again is given up: it goes to the failed set, and ``on_give_up`` is called
    with the job and the error. ``max_snoozes`` is how often a job may raise Snooze. Raises
    ConfigurationError for wrong options.
    """

    limit: int | None = 5
    delay: Delay = DEFAULT_DELAY
    on: Rules = ((Exception, None),)
    never: tuple[Kind, ...] = ()
    on_give_up: GiveUpCallback | None = None
    max_snoozes: int = 1000

    def __init__(
        self,
        limit: int | None = 5,
        delay: GivenDelay = DEFAULT_DELAY,
        on: On = Exception,
        never: Kinds = (),
        *,
        on_give_up: GiveUpCallback | None = None,
        max_snoozes: int = 1000,
    ) -> None:
        retries = "a number of retries, 0 or more, or None for no end"
        expect(limit is None or is_count(limit), "Retry(limit)", retries, limit)
        expect(is_count(max_snoozes), "Retry(max_snoozes)", "a number, 0 or more", max_snoozes)
        if on_give_up is not None:
            check_callable(on_give_up, "Retry(on_give_up)", "job", "error")
            check_hashable(on_give_up, "Retry(on_give_up)")
        vars(self).update(
            limit=limit,
            delay=delay_strategy(delay, "Retry(delay)"),
            on=checked_rules(on, "Retry(on)"),
            never=checked_kinds(never, "Retry(never)"),
            on_give_up=on_give_up,
            max_snoozes=max_snoozes,
        )

    __repr__ = repr_without_defaults

    @hookimpl
    def on_failure(self, job: Job, error: BaseException) -> Later | None:
        """Returns when to run the job again; None when it is to be given up."""
        if isinstance(error, Snooze):
            return self.snooze(job, error)
        seconds = self.wait_seconds(job.attempt, error)
        return None if seconds is None else Later(seconds)

    def snooze(self, job: Job, error: Snooze) -> Later | None:
        if snooze_count(job) >= self.max_snoozes:
            error.args = (f"{error}, but given up: it was snoozed {self.max_snoozes} times before",)
            return None
        count_snooze(job)
        return Later(error.seconds, count=False)

    def wait_seconds(self, attempt: int, error: BaseException) -> float | None:
        """Returns the seconds until the job runs again after this attempt; None if it does not."""
        if self.limit is not None and attempt > self.limit:
            return None
        if nearest_kind(self.never, error) is not None:
            return None
        if isinstance(error, RetryAfter):
            return error.seconds
        own_delays = dict(self.on)
        kind = nearest_kind(own_delays, error)
        if isinstance(error, BaseExceptionGroup) and not is_exception_group(kind):
            return self.longest_wait(attempt, error.exceptions)
        if kind is None:
            return None
        asked = retry_after(error)
        if asked is not None:
            return asked
        delay = own_delays[kind] or self.delay
        return bounded_seconds(delay(attempt, error), "Retry: delay(attempt, error)")

    def longest_wait(self, attempt: int, errors: Sequence[BaseException]) -> float | None:
        """Returns the longest wait of several errors; None when one of them is not to be
        retried."""
        waits = [self.wait_seconds(attempt, each) for each in errors]
        known = [wait for wait in waits if wait is not None]
        return max(known) if len(known) == len(waits) else None

    @hookimpl(wrapper=True, specname="on_failure")
    def observe(
        self, job: Job, error: BaseException
    ) -> Generator[None, Later | None, Later | None]:
        """Adds the failure to the job's history, whichever plugin decides about it. Gives the job
        up when no plugin wants another attempt."""
        later = None
        try:
            later = yield
        finally:
            if later is None:
                self.give_up(job, error)
            elif later.count:
                self.record(job, error, later.seconds)
        return later

    def record(self, job: Job, error: BaseException, wait: float | None) -> None:
        add_attempt(job, Attempt.of(job, error, time.time(), wait))

    def give_up(self, job: Job, error: BaseException) -> None:
        self.record(job, error, None)
        # An operator may put the job back; then its snoozes are counted from 0.
        reset_snoozes(job)
        if self.on_give_up is None:
            return
        try:
            self.on_give_up(job, error)
        except BaseException:
            log.exception("%r: on_give_up has failed", job, extra=log_fields(job))


def is_exception_group(kind: Kind | None) -> bool:
    """Whether a rule is for exception groups as a whole, and not for each error in them."""
    return isinstance(kind, Group) or (kind is not None and issubclass(kind, BaseExceptionGroup))
