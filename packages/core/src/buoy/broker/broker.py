"""The only object that changes jobs in Redis: each change is one script, and so is atomic."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ..connection.client import Client, RawArg, RedisSteps, check_replies, run_steps, single_reply
from ..connection.cluster import ClusterClient
from ..connection.twins import blocking
from ..errors import BrokerError, EnqueueError, Unavailable
from ..model.enqueue_answer import EnqueueAnswer
from ..model.entry import Entry
from ..model.reservation import (
    HeartbeatReply,
    QueueStatus,
    Reservation,
    RoundTripReply,
    RoundTripRequest,
    Settlement,
)
from ..settings import Settings
from .keys import Keys
from .queue_registration import QueueRegistration
from .redis_runner import RedisRunner
from .replies import join_replies, log_refused_commands, parse_advance_reply, parse_queue_statuses
from .script_arguments import (
    JOBS_PER_SCRIPT,
    ScriptArguments,
    decode_text,
    split_pages,
)
from .scripts import ScriptCall, run_scripts, script, script_steps
from .settlement_arguments import add_settlements

PUSH = "push", ("queued", "jobs", "ended", "wakeup", "meta")
PUSH_NEW = "push_new", ("queued", "jobs", "wakeup", "meta")
"""The scripts that store plain jobs, and the parts of a queue whose keys they take."""
WORKER_NODE_SECONDS = 1.0
"""Seconds that a worker waits for one of several servers, at most a quarter of its lease."""
ENQUEUE_RETRY_SECONDS = 5.0
"""Seconds after which an enqueue is not tried again."""
ENQUEUE_PAUSES = (0.0, 0.05, 0.2, 0.5)
"""Seconds before each further try of an enqueue that had no reply."""


class Broker(RedisRunner):
    """All changes of jobs, in one Redis and one namespace."""

    def __init__(self, settings: Settings, client: Client | None = None) -> None:
        super().__init__(settings, client)
        self.keys = Keys(settings.namespace)
        self.ageing_ms = round(settings.ageing * 1000)
        self.clock_offset_ms = 0
        """Milliseconds that scripts add to the clock of Redis; only tests set it."""
        on_cluster = isinstance(self.client, ClusterClient)
        self.registration = QueueRegistration(self.keys, settings.lease, on_cluster=on_cluster)
        self.registered = self.registration.registered
        self.away: dict[str, float] = {}
        """Queues that could not be reached -> until when no job is handed over to them."""
        self.push_new_prefixes: dict[str, Sequence[RawArg]] = {}

    def script_call(self, name: str, queue: str, arguments: ScriptArguments) -> ScriptCall:
        """A call of the script ``lua/NAME.lua``, which takes all keys of a queue."""
        keys = [*self.keys.queue(queue), *arguments.keys]
        return script(__package__, name), keys, [self.clock_offset_ms, *arguments.args]

    @blocking
    def run_script(self, name: str, queue: str, arguments: ScriptArguments) -> RedisSteps[Any]:
        """Run a script on a queue, and return its reply; errors are those of ``Client.call``."""
        call = self.script_call(name, queue, arguments)
        return single_reply((yield from script_steps([call])))

    @property
    def worker_client(self) -> Client:
        """The client for a worker: it does not wait long for one of several servers."""
        return self.client.with_timeout(min(WORKER_NODE_SECONDS, self.settings.lease / 4))

    # Producers

    def enqueue(
        self, queue: str, entries: Sequence[Entry], max_length: int | None = None
    ) -> list[EnqueueAnswer]:
        """Store jobs in a queue; see ``enqueue_steps``."""
        return run_steps(self.enqueue_steps(queue, entries, max_length), lambda: self.client)

    @blocking
    def enqueue_new(self, queue: str, entries: Sequence[Entry]) -> RedisSteps[None]:
        """Store plain jobs whose ids were made for this call; errors as in ``enqueue_steps``.

        Most programs enqueue one job at a time, and the first try mostly succeeds. So that try is
        made here by one command, which is made fast; the other steps handle all of its errors.
        """
        sent = False
        if len(entries) == 1 and self.registration.is_registered(queue):
            try:
                forgotten = single_reply((yield [[*self.push_new_prefix(queue), *entries[0][:3]]]))
            except BrokerError as error:
                sent = error.sent
            else:
                if forgotten:
                    yield from self.registration.renew(queue)
                return
        yield from self.enqueue_steps(queue, entries, new=True, sent=sent)

    def enqueue_steps(
        self,
        queue: str,
        entries: Sequence[Entry],
        max_length: int | None = None,
        *,
        new: bool = False,
        sent: bool = False,
    ) -> RedisSteps[list[EnqueueAnswer]]:
        """Store jobs in a queue; returns an answer for each.

        ``max_length``: when the queue holds this many jobs, no more are stored. ``new``: the ids
        were made for this call, so Redis cannot know them, unless ``sent`` says that an earlier try
        may have stored them.

        More jobs than one script takes are stored page by page. A page that has no reply is tried
        again; raises EnqueueError when that does not help, or for another BrokerError. The pages
        before it remain stored.
        """
        answers: list[EnqueueAnswer] = []
        for page in split_pages(entries) if entries else ():
            try:
                answers += yield from self.with_retries(queue, page, max_length, new, sent)
            except BrokerError as error:
                raise not_enqueued(queue, entries, len(answers), error) from error
        return answers

    def with_retries(
        self, queue: str, page: Sequence[Entry], max_length: int | None, new: bool, sent: bool
    ) -> RedisSteps[list[EnqueueAnswer]]:
        """Store one page of jobs, with a further try after each pause while Redis is unavailable.

        Raises the BrokerError of the last try; its ``sent`` is true if any try may have stored the
        page.
        """
        started = time.monotonic()
        pauses = iter(ENQUEUE_PAUSES)
        while True:
            call = self.choose_script(queue, page, max_length, new=new and not sent)
            try:
                return (yield from self.store(queue, page, call, repeated=sent))
            except BrokerError as error:
                sent = error.sent = error.sent or sent
                pause = next(pauses, None)
                late = time.monotonic() - started > ENQUEUE_RETRY_SECONDS
                if pause is None or late or not isinstance(error, Unavailable):
                    raise
            yield pause

    def choose_script(
        self, queue: str, page: Sequence[Entry], max_length: int | None, *, new: bool
    ) -> ScriptCall:
        """The call that stores a page of jobs: plain jobs have shorter scripts of their own."""
        name = page[0].name
        if max_length is None and name and all(e.plain and e.name == name for e in page):
            args: list[RawArg] = [arg for entry in page for arg in entry[:2]]
            args.append(name)
            return self.push_call(queue, PUSH_NEW if new else PUSH, args)
        arguments = ScriptArguments(["" if max_length is None else max_length, len(page)])
        arguments.keys.append(self.registration.queue_set_key(queue))
        for entry in page:
            arguments.add_entry(entry)
        return self.script_call("enqueue", queue, arguments)

    def push_call(
        self, queue: str, push: tuple[str, Sequence[str]], args: Sequence[RawArg]
    ) -> ScriptCall:
        """A call of PUSH or PUSH_NEW; ``args``: the id and the payload of each job, and the name of
        their class."""
        name, parts = push
        keys = [*self.keys.parts(queue, *parts), self.registration.queue_set_key(queue)]
        return script(__package__, name), keys, args

    def push_new_prefix(self, queue: str) -> Sequence[RawArg]:
        """The command of PUSH_NEW up to its arguments: it is made once for each queue."""
        prefix = self.push_new_prefixes.get(queue)
        if prefix is None:
            push, keys, _ = self.push_call(queue, PUSH_NEW, ())
            prefix = self.push_new_prefixes[queue] = ["EVALSHA", push.sha, len(keys), *keys]
        return prefix

    def store(
        self, queue: str, page: Sequence[Entry], call: ScriptCall, *, repeated: bool
    ) -> RedisSteps[list[EnqueueAnswer]]:
        """One try to store a page of jobs; returns an answer for each. Raises BrokerError.

        ``repeated``: an earlier try may have stored them.
        """
        yield from self.registration.register(queue)
        reply = single_reply((yield from script_steps([call])))
        if reply is None or reply == 1:  # of PUSH and PUSH_NEW, which accept all jobs
            reply = [[b"queued"] * len(page), [], reply]
        answers, refusals, forgotten = reply
        if forgotten:
            yield from self.registration.renew(queue)
        log_refused_commands(queue, refusals)
        found = [EnqueueAnswer.parse(answer.decode()) for answer in answers]
        if repeated:  # a job that Redis knows was stored by the try that had no reply
            found = [
                answer.of_repeated(entry.due) for answer, entry in zip(found, page, strict=True)
            ]
        return found

    # Workers

    def advance(
        self, worker: str, requests: Sequence[RoundTripRequest], others: Sequence[str] = ()
    ) -> tuple[list[RoundTripReply | BrokerError], dict[str, QueueStatus]]:
        """Settle and reserve jobs in some queues, and read the status of others, in one round trip.

        Returns a reply for each request, and the status of each other queue. A request that failed
        has its BrokerError in place of a reply: then some or all of its settlements may be applied
        and jobs may be reserved for it. Send it again as a repeat, under its number. A queue whose
        status could not be read is missing. Raises BrokerError only when there are no requests and
        no status could be read.
        """
        calls_of_each = [self.advance_calls(worker, request) for request in requests]
        calls = [call for each in calls_of_each for call in each]
        groups = self.client.group_queues(others)
        first_status = len(calls)
        calls += [self.status_call(queues) for queues in groups]
        try:
            replies = run_scripts(self.worker_client, calls)
        except BrokerError as error:
            replies = [error] * len(calls)
        of_requests, max_crashes = iter(replies[:first_status]), self.settings.max_crashes
        answers = [
            parse_advance_reply(
                worker, request, join_replies([next(of_requests) for _ in each]), max_crashes
            )
            for request, each in zip(requests, calls_of_each, strict=True)
        ]
        statuses: dict[str, QueueStatus] = {}
        for queues, reply in zip(groups, replies[first_status:], strict=True):
            statuses |= parse_queue_statuses(queues, reply)
        if not requests and not statuses:
            check_replies(replies)
        return answers, statuses

    def advance_queue(self, worker: str, request: RoundTripRequest) -> RoundTripReply:
        """One request, with its reply; raises the BrokerError of ``advance``."""
        answers, _ = self.advance(worker, [request])
        answer: RoundTripReply = single_reply(answers)
        return answer

    @blocking
    def settle_taken(self, holder: str, request: RoundTripRequest) -> RedisSteps[RoundTripReply]:
        """Apply the settlements of a request for jobs that were taken out of turn."""
        replies = yield from script_steps(self.advance_calls(holder, request))
        joined = join_replies(replies)
        answer = parse_advance_reply(holder, request, joined, self.settings.max_crashes)
        return single_reply([answer])  # type: ignore[no-any-return]  # or it is raised

    def advance_calls(self, worker: str, request: RoundTripRequest) -> list[ScriptCall]:
        """The calls for a request: one for each page of settlements; the last also takes jobs."""
        *before, last = split_pages(request.settlements)
        settle_only = RoundTripRequest(request.queue, 0)
        calls = [self.advance_call(worker, settle_only, page) for page in before]
        return [*calls, self.advance_call(worker, request, last)]

    def advance_call(
        self, worker: str, request: RoundTripRequest, settlements: Sequence[Settlement]
    ) -> ScriptCall:
        """A call of lua/advance.lua."""
        lease_ms = round(self.settings.lease * 1000)
        alone_from = max(1, self.settings.max_crashes - 1)
        arguments = ScriptArguments(
            [lease_ms, alone_from, worker, request.number, int(request.is_repeat)]
        )
        arguments.args += [max(0, request.wanted), max(0, request.in_flight), self.ageing_ms]
        add_settlements(arguments, settlements)
        return self.script_call("advance", request.queue, arguments)

    def status_call(self, queues: Sequence[str]) -> ScriptCall:
        """A call of lua/look.lua, for queues that one script may read."""
        parts = ("queued", "delayed", "meta", "ranked")
        keys = [key for queue in queues for key in self.keys.parts(queue, *parts)]
        return script(__package__, "look"), keys, []

    def renew_leases(self, by_queue: Mapping[str, Sequence[Reservation]]) -> list[Reservation]:
        """Renew the leases of reservations, by queue; returns those whose lease is lost.

        Raises BrokerError when any queue failed; the leases in other queues are renewed then, too.
        """
        errors: list[BrokerError] = []
        reply = self.heartbeat(by_queue, errors)
        check_replies(errors)
        return reply.lost

    def heartbeat(
        self, by_queue: Mapping[str, Sequence[Reservation]], errors: list[BrokerError]
    ) -> HeartbeatReply:
        """Renew the leases of reservations, by queue, and heal these queues.

        Errors of single queues are added to ``errors``. Raises BrokerError when all queues failed
        at once.
        """
        pages = [
            (queue, reservations[first : first + JOBS_PER_SCRIPT])
            for queue, reservations in by_queue.items()
            for first in range(0, max(1, len(reservations)), JOBS_PER_SCRIPT)
        ]
        calls = []
        for queue, reservations in pages:
            arguments = ScriptArguments([round(self.settings.lease * 1000), len(reservations)])
            for each in reservations:
                arguments.args += [each.id, each.token]
            arguments.keys.append(self.keys.groups(queue))
            calls.append(self.script_call("beat", queue, arguments))
        result = HeartbeatReply([], [], set(), {})
        replies = run_scripts(self.worker_client, calls) if calls else []
        for (queue, reservations), reply in zip(pages, replies, strict=True):
            if isinstance(reply, BrokerError):
                errors.append(reply)
                continue
            lost_tokens = {decode_text(token) for token in reply[0]}
            result.lost.extend(each for each in reservations if each.token in lost_tokens)
            if reply[1] and queue not in result.late:
                result.late.append(queue)
            if reply[2]:
                result.handing_over.add(queue)
            if reply[3]:
                result.unseen[queue] = [*map(decode_text, reply[3])]
        return result


def not_enqueued(
    queue: str, entries: Sequence[Entry], stored: int, error: BrokerError
) -> EnqueueError:
    """The error for a producer, who must know whether the jobs are enqueued.

    ``stored``: how many of the entries were stored before the error.
    """
    ids = [entry.id for entry in entries[stored:]]
    jobs = f"job {ids[0]}" if len(ids) == 1 else f"{len(ids)} jobs"
    if error.sent:
        fate = "it is unknown whether that is stored; enqueue again with the same id to be sure"
    else:
        fate = "nothing was enqueued"
    if stored:
        fate += f"; the {stored} jobs before are enqueued"
    return EnqueueError(
        f"queue {queue!r}: {jobs}: {error}; {fate}",
        ids=ids,
        enqueued=None if error.sent else False,
    )
