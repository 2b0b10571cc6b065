"""The only object that changes jobs in Redis: each change is one script, and so is atomic."""

from collections.abc import Mapping, Sequence

from ..connection.client import Client, RedisSteps, check_replies, single_reply
from ..connection.twins import blocking
from ..errors import BrokerError
from ..model.reservation import (
    HeartbeatReply,
    QueueStatus,
    Reservation,
    RoundTripReply,
    RoundTripRequest,
    Settlement,
)
from .producer_broker import ProducerBroker
from .replies import join_replies, parse_advance_reply, parse_queue_statuses
from .script_arguments import (
    JOBS_PER_SCRIPT,
    ScriptArguments,
    decode_text,
    split_pages,
)
from .scripts import ScriptCall, run_scripts, script, script_steps
from .settlement_arguments import add_settlements

WORKER_NODE_SECONDS = 1.0
"""Seconds that a worker waits for one of several servers, at most a quarter of its lease."""


class Broker(ProducerBroker):
    """All changes of jobs, in one Redis and one namespace: producers store jobs, workers take and
    settle them."""

    @property
    def worker_client(self) -> Client:
        """The client for a worker: it does not wait long for one of several servers."""
        return self.client.with_timeout(min(WORKER_NODE_SECONDS, self.settings.lease / 4))

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
