"""Hands jobs over from the queue of their parent to their own, and the ends of jobs to the groups
that are to know of them, exactly once through any crash.

A job that is to go to another queue lies in the queue of its parent first, written in the instant
in which that ended. Here its own queue gets it, and notes a receipt in the same instant; only then
it is removed from the other. Whoever dies in between lets somebody else repeat it, and the receipt
makes the repetition do nothing. A group knows which of its members are open, so it needs no
receipt.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from ..connection.client import RedisSteps, run_steps, single_reply
from ..errors import BrokerError, CorruptPayload, Unavailable
from ..model.ending import Ending, parse_handover
from ..model.enqueue_answer import EnqueueAnswer
from ..model.handover import Handover
from ..process.logs import Log
from .replies import log_refused_commands
from .script_arguments import ScriptArguments, decode_text, encode_text
from .scripts import ScriptCall, script_steps

if TYPE_CHECKING:
    from .broker import Broker

logger = Log("buoy.broker")

PAGE = 50
"""How many jobs are handed over at a time."""
MOST = 1000
"""How many jobs a worker hands over before it looks after its other work."""
SHORTEST_MS, LONGEST_MS = 1000, 60_000
"""What is put off waits as long as it has waited, within these bounds."""

WANTED = ("queued", "blocked", "delayed", "replaced", "received")
"""What a queue answers that wants a job, or has it already."""
AWAY_SECONDS = 10.0
"""Seconds in which a process tries nothing with a queue that could not be reached."""
AWAY = "it could not be reached just now"

Stored = bytes
"""A hand-over as the queue of the parent stores it."""
Page = Sequence[tuple[Handover | Ending, Stored]]
"""Hand-overs to one queue, all of jobs or all of ends."""


@dataclass
class Forwarded:
    """What has become of hand-overs. ``made``: how many were made. ``put_off``: target and reason
    -> how many are tried again later."""

    made: int = 0
    put_off: Counter[tuple[str, str]] = field(default_factory=Counter)
    ended: list[Stored] = field(default_factory=list)
    later: list[tuple[Stored, int]] = field(default_factory=list)
    """With the ms for which each is put off."""
    following: set[str] = field(default_factory=set)
    """Queues whose groups are to hand over jobs now, since members of theirs have ended."""

    def put_off_for(self, stored: Stored, target: str, reason: str, waited_ms: float) -> None:
        self.put_off[target, reason] += 1
        self.later.append((stored, round(min(max(waited_ms, SHORTEST_MS), LONGEST_MS))))


def forward(broker: "Broker", queue: str) -> set[str]:
    """Hand over what ended jobs of this queue have enqueued elsewhere; returns the other queues.
    Where that completes a group, what follows it is handed over, too.

    Raises nothing: what cannot be handed over now is tried again later.
    """
    targets: set[str] = set()
    queues = [queue]
    while queues and len(queues) < MOST:
        report = Forwarded()
        steps = forward_steps(broker, queues[0], MOST, report=report)
        try:
            targets |= run_steps(steps, lambda: broker.worker_client)
        except BrokerError as error:
            logger.debug("queue=%s jobs are not handed over: %s", queues[0], error)
        for (target, reason), count in report.put_off.items():
            logger.warning(
                "queue=%s %s to go to %s: %s", queues[0], jobs_wait(count), target, reason
            )
        queues = [*queues[1:], *sorted(report.following)]
    return targets


def forward_steps(
    broker: "Broker",
    queue: str,
    most: int,
    *,
    early: bool = False,
    report: Forwarded | None = None,
) -> RedisSteps[set[str]]:
    """Hand over at most so many jobs; returns the queues that have got some.

    ``early``: also those whose time to be tried has not come. ``report`` gets what becomes of
    them. Raises BrokerError if the queue of the parents cannot be reached.
    """
    report = Forwarded() if report is None else report
    targets: set[str] = set()
    while True:
        wanted = min(PAGE, most)
        now, taken = yield from next_page(broker, queue, wanted, report, early=early)
        if not taken:
            break
        most -= len(taken)
        targets |= yield from hand_over(broker, queue, now, taken, report)
        if len(taken) < wanted or most <= 0:
            yield from next_page(broker, queue, 0, report)
            break
    return targets


def jobs_wait(count: int) -> str:
    return "1 job waits" if count == 1 else f"{count} jobs wait"


def next_page(
    broker: "Broker", queue: str, most: int, report: Forwarded, *, early: bool = False
) -> RedisSteps[tuple[int, list[Stored]]]:
    """End and put off what the report says, and take the next ones; returns the clock of Redis, in
    ms, and these."""
    words = ScriptArguments([len(report.ended), *report.ended, len(report.later)])
    for stored, wait in report.later:
        words.args += [stored, wait]
    words.args += [most, round(broker.settings.lease * 1000), int(early)]
    report.ended, report.later = [], []
    replies = yield from script_steps([broker.script_call("forward", queue, words)])
    now, taken = single_reply(replies)
    return now, taken


def hand_over(
    broker: "Broker", queue: str, now: int, taken: Sequence[Stored], report: Forwarded
) -> RedisSteps[set[str]]:
    """Enqueue these jobs in their queues; returns the queues that have got some."""
    pages = pages_of(broker, now, taken, report)
    targets: set[str] = set()
    for target in {page[0][0].queue: None for page in pages}:
        yield from register(broker, target)
    for page, reply in (yield from send(broker, pages)):
        if isinstance(reply, Unavailable):
            broker.away[page[0][0].queue] = time.monotonic() + AWAY_SECONDS
        answers = answers_of(page, reply)
        if not isinstance(reply, BrokerError) and reply[2]:
            yield from broker.registration.renew(page[0][0].queue)
        if not isinstance(reply, BrokerError) and len(reply) > 3 and reply[3]:
            report.following.add(page[0][0].queue)
        for (each, stored), answer in zip(page, answers, strict=True):
            reason = reason_to_wait(answer)
            if reason:
                report.put_off_for(stored, f"queue {each.queue}", reason, now - each.at)
                continue
            report.made += 1
            report.ended.append(stored)
            targets.add(each.queue)
            log_kept_out(each, answer)
    return targets


def pages_of(
    broker: "Broker", now: int, taken: Sequence[Stored], report: Forwarded
) -> Sequence[Page]:
    """The hand-overs by the queue to which they go; puts off what cannot be read, and what goes to
    a queue that was away just now: each try there would hold up the worker."""
    readable: list[tuple[Handover | Ending, Stored]] = []
    for stored in taken:
        try:
            each = parse_handover(decode_text(stored))
        except (CorruptPayload, RecursionError) as error:
            report.put_off_for(stored, "another queue", str(error), LONGEST_MS)
            continue
        if broker.away.get(each.queue, 0.0) > time.monotonic():
            report.put_off_for(stored, f"queue {each.queue}", AWAY, now - each.at)
        else:
            readable.append((each, stored))
    readable.sort(key=target_of)  # keeps the order of those that go the same way
    return [[*page] for _, page in groupby(readable, target_of)]


def target_of(pair: tuple[Handover | Ending, Stored]) -> tuple[str, int]:
    """The queue of a job, and how many jobs that may hold; -1 for the end of a job."""
    each = pair[0]
    return each.queue, -1 if isinstance(each, Ending) else each.max_length or 0


def register(broker: "Broker", target: str) -> RedisSteps[None]:
    """Note the queue. A node that is away tells so when the jobs are sent."""
    try:
        yield from broker.registration.register(target)
    except BrokerError as error:
        logger.debug("queue=%s is not registered: %s", target, error)


def send(broker: "Broker", pages: Sequence[Page]) -> RedisSteps[list[tuple[Page, Any]]]:
    """Send each page to its queue; returns each with a reply or a BrokerError.

    Where Redis refuses a page, each of its jobs is sent alone: only one of them may be the reason.
    """
    calls = [call_of(broker, [each for each, _ in page]) for page in pages]
    try:
        replies = yield from script_steps(calls)
    except BrokerError as error:
        replies = [error] * len(calls)
    sent: list[tuple[Page, Any]] = []
    for page, reply in zip(pages, replies, strict=True):
        refused = isinstance(reply, BrokerError) and not isinstance(reply, Unavailable)
        if refused and len(page) > 1:
            sent += yield from send(broker, [[each] for each in page])
        else:
            sent.append((page, reply))
    return sent


def call_of(broker: "Broker", page: Sequence[Handover | Ending]) -> ScriptCall:
    """The call that takes what is handed over to one queue."""
    jobs = [each for each in page if isinstance(each, Handover)]
    ends = [each for each in page if isinstance(each, Ending)]
    return enqueue_call(broker, jobs) if jobs else told_call(broker, ends)


def told_call(broker: "Broker", page: Sequence[Ending]) -> ScriptCall:
    """The call that tells groups of one queue how members have ended."""
    queue = page[0].queue
    words = ScriptArguments([len(page)], [broker.keys.groups(queue)])
    first: dict[str, int] = {}
    for each in page:
        if each.group not in first:
            first[each.group] = words.number_of_next_key
            words.keys += broker.keys.group(queue, each.group)
        words.args += [first[each.group], each.outcome, encode_text(each.member)]
    return broker.script_call("group_told", queue, words)


def enqueue_call(broker: "Broker", page: Sequence[Handover]) -> ScriptCall:
    """The call that stores jobs which are handed over to one queue."""
    queue, limit = page[0].queue, page[0].max_length
    words = ScriptArguments(["" if limit is None else limit, len(page)])
    words.keys.append(broker.registration.queue_set_key(queue))
    for each in page:
        words.add_entry(each.entry)
    words.args += ["handed over", *(encode_text(each.name) for each in page)]
    return broker.script_call("enqueue", queue, words)


def answers_of(page: Page, reply: Any) -> Sequence[EnqueueAnswer | BrokerError]:
    """The answer for each job of a page."""
    if isinstance(reply, BrokerError):
        return [reply] * len(page)
    answers, refusals = reply[:2]
    log_refused_commands(page[0][0].queue, refusals)
    return [EnqueueAnswer.parse(answer.decode()) for answer in answers]


def reason_to_wait(answer: EnqueueAnswer | BrokerError) -> str:
    """Why a job must be tried again later; "" if it need not be."""
    if isinstance(answer, BrokerError):
        return str(answer)
    return f"it holds {answer.length} jobs, and is full" if answer.kind == "full" else ""


def log_kept_out(each: Handover | Ending, answer: EnqueueAnswer | BrokerError) -> None:
    """Log that a queue does not want a job that was handed over to it."""
    if isinstance(each, Ending):
        return
    if str(answer).partition(" ")[0] not in WANTED:
        message = "job %s, enqueued by job %s, is kept out of queue %s: %s"
        logger.warning(message, each.entry.id, each.parent, each.queue, answer)
