"""Views of queues, jobs, workers and claims: what Redis holds, in a form to be read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..errors import CorruptPayload
from ..model.ending import GroupKey, groups_in
from ..model.identity import identifier
from ..model.payload import Payload, read_corrupt_envelope
from ..model.priority import NORMAL, RANKS, Level, priority_in
from ..model.queue_list import read_list
from ..model.redaction import NOTHING, Redaction, read_redaction
from ..model.reservation import since_in, worker_in
from .counts import parse_counts

NO_CLAIMS = ("ended", *RANKS)
"""What stands among the claims of a payload, and is none."""
JobState = Literal["queued", "delayed", "blocked", "running", "failed"]
"""Where a job is."""


@dataclass(frozen=True, slots=True)
class QueueView:
    """How many jobs a queue has in each place.

    ``done`` and ``rejected``: how many jobs ended so since the queue exists. ``latency``: for how
    many seconds the oldest due job has waited; 0.0 if none is due. ``seen_at``: when a worker last
    looked at the queue; ``next_due_at``: when its first delayed job is due (epoch seconds or None).
    """

    name: str
    queued: int
    delayed: int
    running: int
    failed: int
    done: int
    rejected: int
    paused: bool
    latency: float = 0.0
    seen_at: float | None = field(default=None, compare=False)
    next_due_at: float | None = field(default=None, compare=False)
    blocked: int = 0


@dataclass(frozen=True, slots=True)
class JobView:
    """A job and where it is.

    ``at``: when it is due, when it failed, or since when it is blocked (epoch seconds). ``token``:
    that of the run, if it runs; ``since``: when the job was reserved for it (epoch seconds);
    ``worker``: who holds it. ``name``: None if the payload cannot be read. ``plugin_data``: what
    plugins keep with the job. ``claims``: those with which it was enqueued, and the keys of its
    permits; it may have lost them since. ``groups``: those that are told of its end.
    ``followers``: the classes of the jobs that follow it when it has ended well. ``priority``: that
    in its queue.
    People are shown ``shown_args`` and ``shown_kwargs``, in which ``[redacted]`` stands for values
    that nobody is to see.
    """

    id: str
    queue: str
    state: JobState
    name: str | None
    args: list[Any]
    kwargs: dict[str, Any]
    attempt: int
    enqueued_at: float
    at: float | None
    token: str | None
    failure: dict[str, Any]
    plugin_data: dict[str, dict[str, Any]]
    raw: str = field(repr=False)
    """The payload, as it was before a worker failed to read it."""
    detail: str = field(default="", repr=False)
    """The due time, the time of the failure or since when it is blocked (ms, as Redis has it), or
    the token of the run."""
    stored: str = field(default="", repr=False)
    """What is stored of the job: the payload, or the record of a failure to read it."""
    tags: tuple[str, ...] = ()
    since: float | None = None
    worker: str = ""
    claims: tuple[str, ...] = ()
    groups: tuple[GroupKey, ...] = ()
    followers: tuple[str, ...] = ()
    priority: Level = NORMAL
    redaction: Redaction = field(default=NOTHING, repr=False)
    own_identifier: str | None = field(default=None, repr=False)
    """The identifier that the class has made; None if it is one of name and arguments."""

    @property
    def identifier(self) -> str | None:
        """The identifier of the job; None if the payload cannot be read. Most who look at many jobs
        need none, so it is computed when it is asked for."""
        if self.own_identifier or not self.name:
            return self.own_identifier
        return identifier(self.name, self.args, self.kwargs)

    @property
    def shown_args(self) -> list[Any]:
        """The positional arguments as people are shown them."""
        return self.args if self.redaction is NOTHING else self.redaction.shown_args(self.args)

    @property
    def shown_kwargs(self) -> dict[str, Any]:
        """The named arguments as people are shown them."""
        hidden = self.redaction
        return self.kwargs if hidden is NOTHING else hidden.shown_kwargs(self.kwargs)

    @property
    def shown_plugin_data(self) -> dict[str, Any]:
        """What plugins keep with the job, as people are shown it: what has the name of an argument
        that nobody is to see is ``[redacted]``."""
        hidden = self.redaction
        data = self.plugin_data
        return data if hidden is NOTHING else {name: hidden.shown(data[name]) for name in data}


@dataclass(frozen=True, slots=True)
class WorkerView:
    """A worker as it describes itself, and the ids of its jobs in flight (``running``).

    ``started_at``, ``beat_at`` (the last heartbeat): epoch seconds. ``gone``: its heartbeats
    stopped, and it did not say that it ends. ``command``: the last command of ``buoy workers``, or
    None. ``memory``: bytes that it, its nursery and its children used at the last heartbeat.
    ``counts``: how many jobs it had settled by then with which outcome.
    """

    id: str
    host: str
    pid: int
    queues: str
    executor: str
    slots: int
    state: str
    started_at: float
    beat_at: float
    gone: bool
    running: list[str]
    command: str | None = None
    memory: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def busy(self) -> int:
        """Returns how many of its slots have a job."""
        return min(len(self.running), self.slots)

    @property
    def free(self) -> int:
        """Returns how many of its slots have no job; 0 if it is gone."""
        return 0 if self.gone else self.slots - self.busy

    def serves(self, queue: str) -> bool:
        """Returns whether it takes jobs from this queue; False if its list cannot be read."""
        served = read_list(self.queues)
        return served is not None and queue in served.resolve([queue])


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A claim, and the job that holds it."""

    claim: str
    id: str
    queue: str


def job_view(
    queue: str,
    id: str,
    raw_text: str,
    state: str,
    detail: str,
    redacted: frozenset[str] = frozenset(),
) -> JobView:
    """Returns the view of a job from what lua/find.lua returns.

    ``redacted``: names of arguments that are not shown, beside those that the payload names.
    """
    stored = raw_text
    try:
        payload = Payload.decoded(raw_text)
    except (CorruptPayload, RecursionError):
        raw_text, failure = read_corrupt_envelope(raw_text)
        payload = Payload("", [], {}, id, failure=failure)
    return JobView(
        id=id,
        queue=queue,
        state=state,  # type: ignore[arg-type]  # lua/find.lua returns only these
        name=payload.name or None,
        args=payload.args,
        kwargs=payload.kwargs,
        attempt=payload.attempt,
        enqueued_at=payload.enqueued_at,
        at=float(detail) / 1000 if state in ("delayed", "failed", "blocked") else None,
        token=detail if state == "running" else None,
        failure=payload.failure or {},
        plugin_data=payload.plugins,
        raw=raw_text,
        detail=detail,
        stored=stored,
        tags=tuple(payload.tags),
        since=since_in(detail) if state == "running" else None,
        worker=worker_in(detail) if state == "running" else "",
        claims=tuple(claim for claim, until in payload.claims if until not in NO_CLAIMS),
        groups=tuple(groups_in(payload.claims)),
        priority=priority_in(payload.claims),
        followers=tuple(link["class"] for link in payload.chain),
        redaction=read_redaction(payload.redact).with_names(redacted),
        own_identifier=payload.identifier if payload.name else None,
    )


def command_of(field: str) -> str:
    """Returns the command in the field of a registration, without its time."""
    return field.split(" ", maxsplit=1)[0]


def worker_counts(text: str) -> dict[str, int]:
    """Returns the counts in the registration of a worker; none if they cannot be read."""
    counts = parse_counts(text)
    return {word: number for word, number in counts.items() if type(number) is int}


def worker_view(
    id: str, fields: Mapping[str, str], beat_at: float, running: list[str]
) -> WorkerView:
    """Returns the view of a worker. Raises ValueError for numbers that are none."""
    return WorkerView(
        id=id,
        host=fields.get("host", id.split("-", maxsplit=1)[0]),
        pid=int(fields.get("pid", 0)),
        queues=fields.get("queues", ""),
        executor=fields.get("executor", ""),
        slots=int(fields.get("slots", 0)),
        state=fields.get("state", "gone"),
        started_at=float(fields.get("started_at", 0)),
        beat_at=beat_at,
        gone="state" not in fields,
        running=running,
        command=command_of(fields["command"]) if "command" in fields else None,
        memory=int(fields.get("memory", 0)),
        counts=worker_counts(fields["counts"]) if "counts" in fields else {},
    )
