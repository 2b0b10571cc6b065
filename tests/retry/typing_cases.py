"""Read by type checkers, never run: each planted error is told by a ``type: ignore``.

Both mypy and pyright report an ignore that they do not need; see test_typing.py.
"""

from datetime import timedelta
from typing import assert_type

from buoy import Job
from buoy_retry import (
    HTTP_ERRORS,
    SMTP_ERRORS,
    Attempt,
    Constant,
    Exponential,
    Group,
    Linear,
    Listed,
    Retry,
    RetryAfter,
    Snooze,
    history,
    retry_after,
)

DELAYS = {TimeoutError: 5, ConnectionError: 60}
BUSY = Group("BUSY", lambda error: "busy" in str(error))


def alarm(job: Job, error: BaseException) -> None: ...


def squared(attempt: int, error: BaseException) -> float:
    return attempt**2


def minutes(attempt: int, error: BaseException) -> timedelta:
    return timedelta(minutes=attempt)


class Mailer(Job):
    plugins = [Retry(limit=3, delay=60)]


class Fine(Mailer):
    plugins = [
        Retry(),
        Retry(None, timedelta(minutes=1), TimeoutError, KeyError),
        Retry(5, [1, 10, timedelta(minutes=1)], on=(TimeoutError, HTTP_ERRORS)),
        Retry(5, (1, 2.5), on=[SMTP_ERRORS, BUSY], never={KeyError, SystemExit}),
        Retry(5, squared, on=BUSY),
        Retry(5, minutes, on=BaseException),
        Retry(5, Exponential(10, 2, cap=600, jitter=0.2), on={TimeoutError: 5, OSError: [1, 60]}),
        Retry(5, on={HTTP_ERRORS: Linear(1, 2), (KeyError, ValueError): None}),
        Retry(5, on=DELAYS),
        Retry(5, Listed([1, 2]), on_give_up=alarm, max_snoozes=5),
        Retry(5, Constant(60, jitter=0.1, random=lambda: 0.5), on_give_up=print),
    ]

    def perform(self) -> None:
        raise Snooze(5) from RetryAfter(timedelta(seconds=5), "rate limit")


Retry(limit="3")  # type: ignore[arg-type]
Retry(delay="60")  # type: ignore[arg-type]
Retry(delay=len)  # type: ignore[arg-type]
Retry(on=404)  # type: ignore[arg-type]
Retry(on=int)  # type: ignore[arg-type]
Retry(on=ValueError("no"))  # type: ignore[arg-type]
Retry(on={KeyError: "60"})  # type: ignore[dict-item]
Retry(never={KeyError: 5})  # type: ignore[arg-type]
Retry(on_give_up=squared)  # type: ignore[arg-type]
Retry(times=3)  # type: ignore[call-arg]
Retry(5, 60, KeyError, (), alarm)  # type: ignore[call-arg]
Exponential(1, 2, 600)  # type: ignore[call-arg]
Group("none", lambda: True)  # type: ignore[arg-type,misc]
RetryAfter("5")  # type: ignore[arg-type]
Snooze()  # type: ignore[call-arg]


def looking(job: Job) -> None:
    assert_type(history(job), list[Attempt])
    assert_type(history(job)[-1].wait, float | None)
    assert_type(retry_after(ValueError()), float | None)
    assert_type(Retry().limit, int | None)
    history(5)  # type: ignore[arg-type]
