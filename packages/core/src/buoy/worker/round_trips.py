"""A worker's round trips: each settles, reserves and looks at queues at once."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence, Set

from ..broker.broker import Broker
from ..broker.forwarding import forward
from ..errors import BrokerError
from ..jobs.run_log import settlement_fields
from ..model.reservation import Reservation, RoundTripReply, RoundTripRequest, Settlement
from ..process.logs import Log
from .in_flight import InFlight
from .outages import Outages
from .queue_selection import EMPTY, FRESH_SECONDS, STALE_SECONDS, QueueSelector

logger = Log("buoy.worker")

QUEUE_CHECK = "a look at the queues"
"""The name under which a failing look at queues is an outage."""


class RoundTrips:
    """Collects the work that is to be done in Redis, and does all of it in one round trip.

    A request whose reply is lost is sent again under its number, so that Redis returns the jobs
    that it has reserved for it. Each queue has a request of its own, since the queues of
    a cluster lie on several nodes. Only the main thread uses it.

    ``poll_seconds`` returns after how many seconds to look at the queues without a wakeup.
    """

    def __init__(
        self,
        broker: Broker,
        worker: str,
        in_flight: InFlight,
        selector: QueueSelector,
        poll_seconds: Callable[[], float],
    ) -> None:
        self.broker, self.worker, self.poll_seconds = broker, worker, poll_seconds
        self.in_flight, self.selector, self.outages = in_flight, selector, Outages()
        self.settlements: list[Settlement] = []
        self.wakeups_to_pass_on: set[str] = set()
        self.unanswered: dict[str, RoundTripRequest] = {}
        """By queue: the request whose reply was lost."""
        self.lone_job_waits = False
        self.number = 0

    # The work to do

    def settle(self, settlements: Iterable[Settlement]) -> None:
        """Settle these jobs with the next round trip. Ignores jobs that are not in flight."""
        self.settlements += self.in_flight.end(settlements)

    def discard(self, lost: Iterable[Reservation]) -> None:
        """Do not settle these jobs: their leases are lost."""
        tokens = {each.token for each in lost}
        self.settlements = [each for each in self.settlements if each.token not in tokens]

    def pass_wakeup_on(self, queue: str) -> None:
        """This worker has got a wakeup for the queue, but takes nothing: wake another worker."""
        self.wakeups_to_pass_on.add(queue)

    def has_work(self, wanted: int) -> bool:
        """Whether a round trip is useful for a worker that wants this number of jobs."""
        if any(self.outages.may_try(queue) for queue in self.queues_to_visit()):
            return True
        return wanted > 0 and (self.must_look() or self.choose_queue() is not None)

    def queues_to_visit(self) -> Iterable[str]:
        """The queues that must be visited, whether they hold jobs or not."""
        yield from self.unanswered
        yield from self.wakeups_to_pass_on
        for each in self.settlements:
            yield each.queue

    def must_look(self) -> bool:
        """Whether the status of the queues is too old to choose one of them."""
        may_pass_over = len(self.selector.queues) > 1 and self.choose_queue() is not None
        limit = STALE_SECONDS if may_pass_over else self.poll_seconds()
        return self.selector.is_older_than(limit) and self.outages.may_try(QUEUE_CHECK)

    def choose_queue(self) -> str | None:
        """The queue to take jobs from next, of those that can be reached."""
        return self.selector.choose(self.unreachable)

    @property
    def unreachable(self) -> Set[str]:
        """The queues from which no jobs can be taken now."""
        return self.unanswered.keys() | self.outages.queues()

    @property
    def must_finish(self) -> bool:
        """Whether a stop must wait for a round trip: to settle jobs, or to get a lost reply again
        that may bring jobs."""
        return bool(self.settlements) or any(each.wanted for each in self.unanswered.values())

    def unanswered_tokens(self) -> set[str]:
        """The tokens of the jobs whose settlement was sent but not answered: Redis may have
        settled them."""
        return {each.token for lost in self.unanswered.values() for each in lost.settlements}

    def may_reserve(self) -> bool:
        """Whether jobs may be taken. False while a job that must run alone waits for the end of
        the jobs in flight."""
        self.lone_job_waits = self.lone_job_waits and len(self.in_flight) > 0
        return not self.lone_job_waits

    def seconds_to_next_look(self) -> float:
        """Seconds until the queues should be looked at; infinite while that cannot be tried."""
        if not self.outages.may_try(QUEUE_CHECK):
            return math.inf
        return self.selector.seconds_until_older_than(self.poll_seconds())

    # One round trip

    def run_once(self, wanted: int) -> list[Reservation]:
        """Make one round trip, and take at most ``wanted`` jobs. Returns the jobs that were taken;
        they are in flight already. Raises nothing: a request that fails is sent again later."""
        requests, others = self.plan(wanted)
        try:
            answers, statuses = self.broker.advance(self.worker, requests, others)
        except BrokerError as error:
            self.outages.record(QUEUE_CHECK, error)
            return []
        taken: list[Reservation] = []
        for request, answer in zip(requests, answers, strict=True):
            if isinstance(answer, BrokerError):
                self.keep_for_retry(request, answer)
            else:
                taken += self.accept(request, answer)
        if others:
            self.outages.record(QUEUE_CHECK, None if statuses else next(errors_in(answers), None))
            statuses = dict.fromkeys(others, EMPTY) | statuses if statuses else {}
        whole = len(requests) + len(others) >= len(self.selector.queues)
        all_seen = bool(statuses) or (whole and not self.outages.queues())
        self.selector.update(statuses, all_seen=all_seen)
        self.hand_over(answers, requests)
        return taken

    def hand_over(
        self,
        answers: Sequence[RoundTripReply | BrokerError],
        requests: Sequence[RoundTripRequest],
    ) -> None:
        """Hand over the jobs that ended jobs have enqueued in other queues."""
        for request, answer in zip(requests, answers, strict=True):
            if isinstance(answer, RoundTripReply) and answer.handovers:
                for queue in forward(self.broker, request.queue) & {*self.selector.queues}:
                    self.selector.expect_jobs(queue)

    def plan(self, wanted: int) -> tuple[list[RoundTripRequest], list[str]]:
        """Returns the requests of a round trip, and the other queues to look at. The requests
        repeat unanswered ones, settle jobs, pass wakeups on, and reserve jobs of one queue."""
        looking = self.must_look()
        target = self.choose_queue() if wanted and not looking else None
        requests = [lost for queue, lost in self.unanswered.items() if self.outages.may_try(queue)]
        visited = {each.queue: None for each in self.settlements}
        visited |= dict.fromkeys(self.wakeups_to_pass_on)
        if target is not None:
            visited[target] = None
        self.number += 1
        still_in_flight = len(self.in_flight) - len(self.settlements)
        requests += [
            self.request(queue, wanted if queue == target else 0, still_in_flight)
            for queue in visited
            if queue not in self.unanswered and self.outages.may_try(queue)
        ]
        queues = self.selector.queues
        looking = looking or (len(queues) > 1 and self.selector.is_older_than(FRESH_SECONDS))
        seen = {each.queue for each in requests}
        return requests, [queue for queue in queues if queue not in seen] if looking else []

    def request(self, queue: str, wanted: int, still_in_flight: int) -> RoundTripRequest:
        """A new request to the queue, with all that is to be settled there."""
        mine = [each for each in self.settlements if each.queue == queue]
        self.settlements = [each for each in self.settlements if each.queue != queue]
        self.wakeups_to_pass_on.discard(queue)
        return RoundTripRequest(queue, self.number, wanted, still_in_flight, mine)

    def accept(self, request: RoundTripRequest, answer: RoundTripReply) -> list[Reservation]:
        """Follow the answer to a request; returns the jobs that it brings."""
        self.unanswered.pop(request.queue, None)
        self.outages.record(request.queue, None)
        self.outages.record(QUEUE_CHECK, None)  # Redis can be asked again
        # Not those that the heartbeat thread has settled meanwhile.
        refused = [each for each in answer.refused if each.token in self.in_flight]
        self.in_flight.settle(request.settlements, answer.refused)
        for each in refused:
            message = "outcome refused, the lease was lost: id=%s queue=%s token=%s"
            logger.warning(message, each.id, each.queue, each.token, extra=settlement_fields(each))
        self.selector.update({request.queue: answer.status}, all_seen=False)
        self.selector.set_clock(answer.now)
        self.selector.charge(request.queue, len(answer.reservations))
        self.lone_job_waits = self.lone_job_waits or answer.state == "alone"
        self.in_flight.add(answer.reservations)
        return answer.reservations

    def keep_for_retry(self, request: RoundTripRequest, error: BrokerError) -> None:
        """Send this request again later: it failed, or its reply was lost."""
        request.is_repeat = True
        self.unanswered[request.queue] = request
        self.outages.record(request.queue, error)


def errors_in(answers: Iterable[RoundTripReply | BrokerError]) -> Iterator[BrokerError]:
    return (each for each in answers if isinstance(each, BrokerError))
