"""Retry: run a job again when it has failed."""

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

from buoy import Job, Later, Plugin, hookimpl
from buoy.process.logs import DEBUG, INFO, heard, logger

from .attempts import Attempt, count_snooze, forget_snoozes, remember, snoozes
from .declared import check_callable, check_hashable, expect, is_count, without_defaults
from .delay import Delay, Exponential, GivenDelay, bounded, strategy
from .errors import Again, RetryAfter
from .groups import Group, Kind, Kinds, On, Rules, kinds, nearest, rules
from .http import retry_after

LOG = "buoy.retry"
Alarm = Callable[[Job, BaseException], object]
BACKOFF = Exponential()


@dataclass(frozen=True, init=False, repr=False)
class Retry(Plugin):
    """Run a job again when it has failed: ``limit`` times after the first run (None: without end),
    each after ``delay``, if its error is one of ``on`` and none of ``never``.

    A job that is not run again is given up: it goes to the failed set, and ``on_give_up`` is called
    with the job and the error. ``snoozes`` is how often a job may put itself off by Again.
    """

    limit: int | None = 5
    delay: Delay = BACKOFF
    on: Rules = ((Exception, None),)
    never: tuple[Kind, ...] = ()
    on_give_up: Alarm | None = None
    snoozes: int = 1000

    def __init__(
        self,
        limit: int | None = 5,
        delay: GivenDelay = BACKOFF,
        on: On = Exception,
        never: Kinds = (),
        *,
        on_give_up: Alarm | None = None,
        snoozes: int = 1000,
    ) -> None:
        retries = "a number of retries, 0 or more, or None for no end"
        expect(limit is None or is_count(limit), "Retry(limit)", retries, limit)
        expect(is_count(snoozes), "Retry(snoozes)", "a number, 0 or more", snoozes)
        if on_give_up is not None:
            check_callable(on_give_up, "Retry(on_give_up)", "job", "error")
            check_hashable(on_give_up, "Retry(on_give_up)")
        vars(self).update(
            limit=limit,
            delay=strategy(delay, "Retry(delay)"),
            on=rules(on, "Retry(on)"),
            never=kinds(never, "Retry(never)"),
            on_give_up=on_give_up,
            snoozes=snoozes,
        )

    __repr__ = without_defaults

    @hookimpl
    def on_failure(self, job: Job, error: BaseException) -> Later | None:
        """Decide: when to run the job again, if at all."""
        if isinstance(error, Again):
            return self.put_off(job, error)
        seconds = self.wait(job.attempt, error)
        return None if seconds is None else Later(seconds)

    def put_off(self, job: Job, again: Again) -> Later | None:
        if snoozes(job) >= self.snoozes:
            again.args = (f"{again}, but given up: it was put off {self.snoozes} times before",)
            return None
        count_snooze(job)
        return Later(again.seconds, count=False)

    def wait(self, attempt: int, error: BaseException) -> float | None:
        """Seconds until the job runs again after this attempt; None: it does not."""
        if self.limit is not None and attempt > self.limit:
            return None
        if nearest(self.never, error) is not None:
            return None
        if isinstance(error, RetryAfter):
            return error.seconds
        own_delays = dict(self.on)
        kind = nearest(own_delays, error)
        if isinstance(error, BaseExceptionGroup) and not is_for_groups(kind):
            return self.longest_wait(attempt, error.exceptions)
        if kind is None:
            return None
        asked = retry_after(error)
        if asked is not None:
            return asked
        delay = own_delays[kind] or self.delay
        return bounded(delay(attempt, error), "Retry: delay(attempt, error)")

    def longest_wait(self, attempt: int, errors: Sequence[BaseException]) -> float | None:
        waits = [self.wait(attempt, each) for each in errors]
        known = [wait for wait in waits if wait is not None]
        return max(known) if len(known) == len(waits) else None

    @hookimpl(wrapper=True, specname="on_failure")
    def observe(
        self, job: Job, error: BaseException
    ) -> Generator[None, Later | None, Later | None]:
        """Keep the failure in the job's history, whichever plugin decides about it; and when none
        wants another attempt, give up."""
        verdict = None
        try:
            verdict = yield
        finally:
            if verdict is None:
                self.give_up(job, error)
            elif verdict.count:
                self.keep(job, error, verdict.seconds)
        return verdict

    def keep(self, job: Job, error: BaseException, wait: float | None) -> None:
        attempt = Attempt.of(job, error, time.time(), wait)
        remember(job, attempt)
        if heard(LOG, INFO):
            trace = error if heard(LOG, DEBUG) else None
            logger(LOG).info("%r: %s: %s", job, attempt.error, attempt.message, exc_info=trace)

    def give_up(self, job: Job, error: BaseException) -> None:
        self.keep(job, error, None)
        # An operator may put the job back: then it may put itself off again.
        forget_snoozes(job)
        if self.on_give_up is None:
            return
        try:
            self.on_give_up(job, error)
        except BaseException:  # noqa: BLE001 - whatever it raises; it is logged
            logger(LOG).exception("%r: on_give_up has failed", job)


def is_for_groups(kind: Kind | None) -> bool:
    """Whether a rule means groups of errors as such, and not each error in them."""
    return isinstance(kind, Group) or (kind is not None and issubclass(kind, BaseExceptionGroup))
