"""The only object that changes what lies in Redis: every act on jobs is one atomic script."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ..connection.client import Client, RedisSteps, Word, accepted, only, run_steps
from ..connection.cluster import ClusterClient
from ..connection.connect import connect
from ..errors import BrokerError, EnqueueError, Unavailable
from ..model.entry import Entry
from ..model.reservation import Advance, Advanced, HeartbeatReply, Look, Reservation, Settlement
from ..process.logs import Log
from ..settings import Settings
from .keys import Keys
from .queue_registration import QueueRegistration
from .script_arguments import PAGE, Packing, pages, seconds, text
from .scripts import ScriptCall, run_scripts, script, scripted

logger = Log("buoy.broker")

PUSH = "push", ("queued", "jobs", "ended", "wakeup")
PUSH_NEW = "push_new", ("queued", "jobs", "wakeup")
"""Scripts for plain jobs, and the keys that they take."""
HURRY = 1.0
"""Seconds that a worker waits for one of several servers, or a quarter of its lease."""
PATIENCE = 5.0
PAUSES = (0.0, 0.05, 0.2, 0.5)
"""Seconds before each further try of an enqueue whose answer did not come, PATIENCE at most."""


class Broker:
    """All transitions of jobs, on one Redis, in one namespace."""

    def __init__(self, settings: Settings, client: Client | None = None) -> None:
        self.settings = settings
        self.keys = Keys(settings.namespace)
        self.client = client or connect(settings.url)
        self.shift = 0
        """Milliseconds by which tests move the clock of Redis."""
        spread = isinstance(self.client, ClusterClient)
        self.registration = QueueRegistration(self.keys, settings.lease, spread=spread)
        self.registered = self.registration.registered
        self.ways_in: dict[str, Sequence[Word]] = {}

    def act(self, name: str, queue: str, packing: Packing) -> ScriptCall:
        keys = [*self.keys.queue(queue), *packing.keys]
        return script(__package__, name), keys, [self.shift, *packing.words]

    def run(self, name: str, queue: str, packing: Packing) -> Any:
        return only(run_scripts(self.client, [self.act(name, queue, packing)]))

    @property
    def brisk(self) -> Client:
        """The client of a worker, which has more to do than to wait for a part of Redis."""
        return self.client.hurried(min(HURRY, self.settings.lease / 4))

    # Producers

    def enqueue(
        self, queue: str, entries: Sequence[Entry], max_length: int | None = None
    ) -> list[str]:
        """Store jobs; see enqueueing."""
        return run_steps(self.enqueueing(queue, entries, max_length), lambda: self.client)

    def enqueue_new(self, queue: str, entries: Sequence[Entry]) -> None:
        """Store plain jobs under ids that were made for this call; see enqueueing.

        One at a time is how most programs enqueue, and the first try mostly goes through: so that
        is made without the steps that a conversation takes.
        """
        sent = False
        if len(entries) == 1 and self.registration.knows(queue):
            try:
                forgotten = self.client.call(*self.way_in(queue), *entries[0][:2])
            except BrokerError as error:
                sent = error.sent
            else:
                if forgotten:
                    run_steps(self.registration.renew(queue), lambda: self.client)
                return
        run_steps(self.enqueueing(queue, entries, new=True, sent=sent), lambda: self.client)

    def enqueueing(
        self,
        queue: str,
        entries: Sequence[Entry],
        max_length: int | None = None,
        *,
        new: bool = False,
        sent: bool = False,
    ) -> RedisSteps[list[str]]:
        """Store jobs; the answers are those of lua/enqueue.lua.

        An enqueue whose answer is lost is repeated; raises EnqueueError when that does not help.
        ``new`` ids were made for this call, and unless something was ``sent`` before, Redis cannot
        know them.
        """
        answers: list[str] = []
        for batch in pages(entries) if entries else ():
            enter = partial(self.entrance, queue, batch, max_length, new)
            try:
                answers += yield from self.insist(queue, batch, enter, sent)
            except BrokerError as error:
                raise not_enqueued(queue, entries, len(answers), error) from error
        return answers

    def entrance(
        self, queue: str, batch: Sequence[Entry], max_length: int | None, new: bool, sent: bool
    ) -> ScriptCall:
        """What stores these jobs: for plain ones there is a shorter way."""
        if max_length is None and all(entry.plain for entry in batch):
            name, parts = PUSH_NEW if new and not sent else PUSH
            words = [word for entry in batch for word in entry[:2]]
            keys = [*self.keys.parts(queue, *parts), self.registration.set_of(queue)]
            return script(__package__, name), keys, words
        packing = Packing(["" if max_length is None else max_length, len(batch)])
        packing.keys.append(self.registration.set_of(queue))
        for entry in batch:
            packing.entry(entry)
        return self.act("enqueue", queue, packing)

    def way_in(self, queue: str) -> Sequence[Word]:
        """The command by which new plain jobs enter the queue, up to what it says of them."""
        found = self.ways_in.get(queue)
        if found is None:
            name, parts = PUSH_NEW
            keys = [*self.keys.parts(queue, *parts), self.registration.set_of(queue)]
            found = self.ways_in[queue] = [
                "EVALSHA",
                script(__package__, name).sha,
                len(keys),
                *keys,
            ]
        return found

    def insist(
        self, queue: str, batch: Sequence[Entry], enter: Callable[[bool], ScriptCall], sent: bool
    ) -> RedisSteps[list[str]]:
        started = time.monotonic()
        for pause in (*PAUSES, None):
            try:
                return (yield from self.push(queue, batch, enter(sent), repeated=sent))
            except BrokerError as error:
                sent = error.sent = error.sent or sent
                late = time.monotonic() - started > PATIENCE
                if pause is None or late or not isinstance(error, Unavailable):
                    raise
                yield pause
        raise AssertionError("the last pause is None")

    def push(
        self, queue: str, batch: Sequence[Entry], act: ScriptCall, *, repeated: bool
    ) -> RedisSteps[list[str]]:
        yield from self.registration.register(queue)
        reply = only((yield from scripted([act])))
        if reply is None or reply == 1:
            reply = [[b"queued"] * len(batch), [], reply]
        answers, refusals, forgotten = reply
        if forgotten:
            yield from self.registration.renew(queue)
        report(queue, refusals)
        found = [answer.decode() for answer in answers]
        if repeated:  # a job that is there now was stored by the try whose answer was lost
            placed = ["delayed" if entry.due else "queued" for entry in batch]
            found = [
                place if answer in ("exists", "ended") else answer
                for place, answer in zip(placed, found, strict=True)
            ]
        return found

    # Workers

    def advance(
        self, worker: str, trips: Sequence[Advance], others: Sequence[str] = ()
    ) -> tuple[list[Advanced | BrokerError], dict[str, Look]]:
        """Go to some queues and look at others, in one round trip.

        A trip that did not succeed has its error in the place of an answer; a queue that could
        not be looked at is missing from the looks. Raises only if there was nothing else to do.
        """
        parts = [self.trip(worker, trip) for trip in trips]
        acts = [act for part in parts for act in part]
        groups = self.client.together(others)
        looking = len(acts)
        acts += [self.glance(queues) for queues in groups]
        try:
            replies = run_scripts(self.brisk, acts)
        except BrokerError as error:
            replies = [error] * len(acts)
        told = iter(replies[:looking])
        answers = [
            self.advanced(worker, trip, joined([next(told) for _ in part]))
            for trip, part in zip(trips, parts, strict=True)
        ]
        looks: dict[str, Look] = {}
        for queues, reply in zip(groups, replies[looking:], strict=True):
            looks |= looked(queues, reply)
        if not trips and not looks:
            accepted(replies)
        return answers, looks

    def visit(self, worker: str, trip: Advance) -> Advanced:
        """One trip; raises what went wrong."""
        answers, _ = self.advance(worker, [trip])
        answer: Advanced = only(answers)
        return answer

    def trip(self, worker: str, trip: Advance) -> list[ScriptCall]:
        """What a trip does: the last page of what it settles goes with what it takes."""
        *before, last = pages(trip.settlements)
        settling = Advance(trip.queue, 0)
        acts = [self.part(worker, settling, page) for page in before]
        return [*acts, self.part(worker, trip, last)]

    def part(self, worker: str, trip: Advance, settlements: Sequence[Settlement]) -> ScriptCall:
        lease, alone = self.settings.lease, max(1, self.settings.max_crashes - 1)
        packing = Packing([round(lease * 1000), alone, worker, trip.number, int(trip.again)])
        packing.words += [max(0, trip.wanted), max(0, trip.hands)]
        packing.settlements(settlements)
        return self.act("advance", trip.queue, packing)

    def glance(self, queues: Sequence[str]) -> ScriptCall:
        parts = ("queued", "delayed", "meta")
        keys = [key for queue in queues for key in self.keys.parts(queue, *parts)]
        return script(__package__, "look"), keys, []

    def advanced(self, worker: str, trip: Advance, reply: Any) -> Advanced | BrokerError:
        if isinstance(reply, BrokerError):
            return reply
        now, due, waiting, state, refused, refusals, given = reply
        report(trip.queue, refusals)
        rows = [given[n : n + 4] for n in range(0, len(given), 4)]
        return Advanced(
            now=now / 1000,
            look=(waiting, seconds(due)),
            state=state.decode(),
            refused=settlements_of(trip, refused) if refused else [],
            reservations=[
                Reservation(
                    id=id.decode(errors="surrogateescape"),
                    token=token.decode(errors="surrogateescape"),
                    queue=trip.queue,
                    payload=(payload or b"").decode(errors="surrogateescape"),
                    lost=lost,
                    now=now / 1000,
                    worker=worker,
                    given_up=lost > self.settings.max_crashes,
                )
                for id, token, payload, lost in rows
            ],
        )

    def beat(self, held: Mapping[str, Sequence[Reservation]]) -> list[Reservation]:
        """Renew the leases of what is held, by queue; returns what is held no longer."""
        missed: list[BrokerError] = []
        beaten = self.heartbeat(held, missed)
        accepted(missed)
        return beaten.lost

    def heartbeat(
        self, held: Mapping[str, Sequence[Reservation]], missed: list[BrokerError]
    ) -> HeartbeatReply:
        """Renew the leases of what is held, by queue, and heal these queues; ``missed`` takes the
        errors of single queues."""
        acts = []
        hands = [
            (queue, reservations[first : first + PAGE])
            for queue, reservations in held.items()
            for first in range(0, max(1, len(reservations)), PAGE)
        ]
        for queue, reservations in hands:
            packing = Packing([round(self.settings.lease * 1000), len(reservations)])
            for each in reservations:
                packing.words += [each.id, each.token]
            acts.append(self.act("beat", queue, packing))
        beaten = HeartbeatReply([], [])
        replies = run_scripts(self.brisk, acts) if acts else []
        for (queue, reservations), reply in zip(hands, replies, strict=True):
            if isinstance(reply, BrokerError):
                missed.append(reply)
                continue
            gone = {text(token) for token in reply[0]}
            beaten.lost.extend(each for each in reservations if each.token in gone)
            if reply[1] and queue not in beaten.late:
                beaten.late.append(queue)
        return beaten


def settlements_of(trip: Advance, refused: Sequence[bytes]) -> list[Settlement]:
    """Those with these tokens; none when the trip was asked again, for they were settled then."""
    if trip.again:
        return []
    told = {each.token: each for each in trip.settlements}
    return [told[token] for token in map(text, refused) if token in told]


def report(queue: str, refusals: Sequence[bytes]) -> None:
    for refusal in refusals:
        logger.error("queue=%s a plugin's command was refused by Redis: %s", queue, text(refusal))


def joined(replies: Sequence[Any]) -> Any:
    """The reply to a trip from those to its parts; it did not succeed if one of them did not."""
    wrong = [reply for reply in replies if isinstance(reply, BrokerError)]
    if wrong or len(replies) == 1:
        return [*wrong, *replies][0]
    *before, _, _, given = replies[-1]
    return [*before[:4], *([r for each in replies for r in each[n]] for n in (4, 5)), given]


def looked(queues: Sequence[str], reply: Any) -> dict[str, Look]:
    if isinstance(reply, BrokerError):
        return {}
    pairs = zip(queues, reply[::2], reply[1::2], strict=True)
    return {queue: (length, seconds(due)) for queue, length, due in pairs}


def not_enqueued(
    queue: str, entries: Sequence[Entry], entered: int, error: BrokerError
) -> EnqueueError:
    """The error for a producer, who must know one thing: is the job enqueued?"""
    ids = [entry.id for entry in entries[entered:]]
    jobs = f"job {ids[0]}" if len(ids) == 1 else f"{len(ids)} jobs"
    if error.sent:
        fate = "it is unknown whether that is stored; enqueue again with the same id to be sure"
    else:
        fate = "nothing was enqueued"
    if entered:
        fate += f"; the {entered} jobs before are enqueued"
    return EnqueueError(
        f"queue {queue!r}: {jobs}: {error}; {fate}",
        ids=ids,
        enqueued=None if error.sent else False,
    )
