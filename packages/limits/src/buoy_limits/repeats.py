"""``Throttle`` and ``Debounce``: what becomes of a job of a key that is enqueued again."""

from dataclasses import dataclass, field

from buoy import ConfigurationError, Job, Plugin, hookimpl
from buoy.plugins import expect, is_sealed, postpone

from .keys import Key, check_key, key_of
from .plugin import LONGEST, check_name, check_queue


@dataclass(frozen=True)
class Throttle(Plugin):
    """Enqueues no job of a key within ``seconds`` after one was enqueued.

    ``enqueue`` is answered with that job, also when it is done since: the state of the handle is
    "exists", ``holder`` is the id of that job. One that ends in another way lets the next one in.
    ``key`` and ``name``: as in ``Limit``. Raises ConfigurationError for other options.
    """

    seconds: float
    key: Key = field(default=None, kw_only=True)
    name: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_seconds(self.seconds, "Throttle.seconds")
        check_key(self.key, "Throttle.key")
        check_name(self.name, "Throttle.name")

    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        check_queue(job, "Throttle")
        job.transition.throttle(key_of(job, self.key, "Throttle", self.name), self.seconds)


@dataclass(frozen=True)
class Debounce(Plugin):
    """Runs the last job of a burst: of jobs of a key that are each enqueued within ``seconds``
    after the one before.

    The first one is delayed. Each further one gives it its own arguments, puts it off to
    ``seconds`` from now, and is answered with it: the state of the handle is "exists", ``code`` is
    "replaced", ``holder`` is the id of the job that waits. ``at_most``: the seconds after the first
    one in which the job is due at the latest. When it has started, the next burst begins. ``key``
    and ``name``: as in ``Limit``. Raises ConfigurationError for other options.
    """

    seconds: float
    at_most: float | None = field(default=None, kw_only=True)
    key: Key = field(default=None, kw_only=True)
    name: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_seconds(self.seconds, "Debounce.seconds")
        if self.at_most is not None:
            check_seconds(self.at_most, "Debounce.at_most")
        check_key(self.key, "Debounce.key")
        check_name(self.name, "Debounce.name")

    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        check_queue(job, "Debounce")
        if is_sealed(job):
            raise ConfigurationError(
                f"{job.name}: Debounce: expected arguments that are not sealed: what is sealed for "
                "one job cannot be given to the one that waits"
            )
        if job.due.is_now:
            postpone(job, self.seconds)
        key = key_of(job, self.key, "Debounce", self.name)
        job.transition.claim(key, "started", "replace", self.at_most)


def check_seconds(value: object, subject: str) -> None:
    """Raise ConfigurationError for what cannot be a time between jobs of a key."""
    is_time = isinstance(value, int | float) and not isinstance(value, bool)
    expect(
        is_time and 1e-3 <= value <= LONGEST,  # type: ignore[operator]  # it is a number
        subject,
        f"from 0.001 to {LONGEST} seconds",
        value,
    )
