"""``Limit``, ``Rate``, ``Lonely`` and ``Fair``: when jobs of a key may enter their queue."""

from dataclasses import dataclass, field
from typing import Any

from buoy import ConfigurationError, Job, Plugin, hookimpl
from buoy.plugins import expect

from .keys import Key, check_key, key_of

MOST = 1_000_000
"""The highest limit."""
LONGEST_NAME = 200
"""The most characters of a name."""
LONGEST = 10**8
"""The longest time between two jobs of a rate, in seconds."""


@dataclass(frozen=True, kw_only=True)
class Limit(Plugin):
    """Runs at most ``at_once`` jobs of a key at once, over all workers. The others wait, in order.

    ``key``: the name of an argument, a tuple of names, or a function of all arguments: jobs with
    equal values are counted together; by default all jobs of the class are. ``name``: classes
    whose limits have the same name are counted together, if they share a queue; by default each
    class is counted for itself. Raises ConfigurationError for other options.
    """

    at_once: int
    key: Key = None
    name: str | None = None

    def __post_init__(self) -> None:
        at_once = self.at_once
        is_limit = type(at_once) is int and 1 <= at_once <= MOST
        expect(is_limit, "Limit.at_once", f"a whole number from 1 to {MOST}", at_once)
        check_key(self.key, "Limit.key")
        check_name(self.name, "Limit.name")

    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        check_queue(job, "Limit")
        self.attach(job)

    def attach(self, job: Job) -> None:
        """Let a job need a permit of this limit."""
        job.transition.permit(key_of(job, self.key, "Limit", self.name), self.at_once)


@dataclass(frozen=True)
class Rate(Plugin):
    """Begins at most ``number`` jobs of a key in ``per`` seconds, over all workers, evenly spread.

    Each job gets its own time when it is enqueued, and for each further attempt; until then it is
    delayed. ``burst``: how many jobs may begin together after a time without any. ``key`` and
    ``name``: as in ``Limit``. Raises ConfigurationError for other options.
    """

    number: int
    per: float = field(kw_only=True)
    burst: int = field(default=1, kw_only=True)
    key: Key = field(default=None, kw_only=True)
    name: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for option in ("number", "burst"):
            value = getattr(self, option)
            is_count = type(value) is int and 1 <= value <= MOST
            expect(is_count, f"Rate.{option}", f"a whole number from 1 to {MOST}", value)
        per = self.per
        is_time = type(per) in (int, float) and (1e-6 * self.number <= per <= LONGEST * self.number)
        expect(is_time, "Rate.per", f"seconds, from 0.000001 to {LONGEST} for each job", per)
        check_key(self.key, "Rate.key")
        check_name(self.name, "Rate.name")

    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        check_queue(job, "Rate")
        self.attach(job)

    def attach(self, job: Job) -> None:
        """Give a job its time by this rate."""
        key = key_of(job, self.key, "Rate", self.name)
        job.transition.pace(key, self.per / self.number, self.burst)


@dataclass(frozen=True, init=False)
class Limits(Plugin):
    """Several limits and rates on one class: a job runs when all of them admit it, and until then
    it counts in no limit."""

    limits: tuple[Limit | Rate, ...]

    def __init__(self, *limits: Limit | Rate) -> None:
        for limit in limits:
            is_limit = isinstance(limit, Limit | Rate)
            expect(is_limit, "Limits(...)", "objects of Limit or Rate", limit)
        for n, limit in enumerate(limits):
            counted_alike = {(type(each), each.key, each.name) for each in limits[:n]}
            is_new = (type(limit), limit.key, limit.name) not in counted_alike
            expect(is_new, "Limits(...)", "limits of which each has its own key or name", limit)
        object.__setattr__(self, "limits", limits)

    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        check_queue(job, "Limits")
        for limit in self.limits:
            limit.attach(job)


@dataclass(frozen=True, kw_only=True)
class Lonely(Plugin):
    """Runs one job at a time of those that are the same, in the order in which they were enqueued.

    ``key``: as in ``Limit``; by default two jobs are the same when they have the same identifier.
    """

    key: Key = None

    def __post_init__(self) -> None:
        check_key(self.key, "Lonely.key")

    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        check_queue(job, "Lonely")
        if self.key is None:
            key = f"Lonely:{job.name} #{job.identifier}"
        else:
            key = key_of(job, self.key, "Lonely", None)
        job.transition.permit(one_line(key), 1)


@dataclass(frozen=True, kw_only=True)
class Fair(Plugin):
    """Lets tenants take turns: one with very many jobs does not keep the others waiting.

    A tenant has at most ``ahead`` jobs in the queue; as one of them starts, the next one of this
    tenant goes to its end. ``key``: what makes a tenant, as in ``Limit``. ``name``: classes with
    the same name share their turns, if they share a queue.
    """

    key: Key
    ahead: int = 1
    name: str | None = None

    def __post_init__(self) -> None:
        expect(self.key is not None, "Fair.key", "what makes a tenant", self.key)
        check_key(self.key, "Fair.key")
        is_limit = type(self.ahead) is int and 1 <= self.ahead <= MOST
        expect(is_limit, "Fair.ahead", f"a whole number from 1 to {MOST}", self.ahead)
        check_name(self.name, "Fair.name")

    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        check_queue(job, "Fair")
        key = key_of(job, self.key, "Fair", self.name)
        job.transition.permit(key, self.ahead, until="started")


def check_name(name: Any, subject: str) -> None:
    """Raise ConfigurationError for what cannot be the name of a limit."""
    is_name = name is None or (
        isinstance(name, str) and 1 <= len(name) <= LONGEST_NAME and name.isprintable()
    )
    wanted = f"a text of one line with at most {LONGEST_NAME} characters, or None"
    expect(is_name, subject, wanted, name)


def check_queue(job: Job, kind: str) -> None:
    """Raise ConfigurationError for a job that goes to another queue than that of its class."""
    own = type(job).queue
    if job.queue != own:
        raise ConfigurationError(
            f"{job.name}: {kind}: expected its own queue {own!r}, got {job.queue!r}: a limit "
            "counts within one queue, so more jobs than it says could run; write a class of its "
            "own for jobs of another queue"
        )


def one_line(key: str) -> str:
    """Returns a key without line ends; an identifier of a class may have any."""
    return key.replace("\n", " ")
