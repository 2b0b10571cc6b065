"""A worker's round trips: what it settles, looks at and takes; and what got lost on the way."""

from collections.abc import Callable, Iterable, Iterator

from ..broker.broker import Broker
from ..connection.backoff import Backoff
from ..errors import BrokerError, Unavailable
from ..model.reservation import Reservation, RoundTripReply, RoundTripRequest, Settlement
from ..process.logs import Log
from .in_flight import InFlight
from .queue_selection import FRESH, NOTHING, OLD, QueueSelector

logger = Log("buoy.worker")

GLANCE = "a look at the queues"


class RoundTrips:
    """Knows what is to be done in Redis, and does it, all in one round trip.

    A reply that is lost is asked for again, under the same number; each queue for itself, for the
    queues of a cluster are on several nodes.
    """

    def __init__(
        self,
        broker: Broker,
        worker: str,
        hand: InFlight,
        outlook: QueueSelector,
        poll: Callable[[], float],
    ) -> None:
        self.broker, self.worker, self.hand, self.outlook = broker, worker, hand, outlook
        self.poll = poll
        self.settlements: list[Settlement] = []
        self.echoes: set[str] = set()
        self.missing: dict[str, RoundTripRequest] = {}
        self.outages: dict[str, Backoff] = {}
        self.refusals: dict[str, str] = {}
        self.alone = False
        self.number = 0

    # What there is to do

    def errand(self, room: int) -> bool:
        """Whether there is something to go for."""
        if any(self.reachable(queue) for queue in self.called_for()):
            return True
        return room > 0 and (self.must_look() or self.choose() is not None)

    def called_for(self) -> Iterable[str]:
        """Queues to be visited, whatever waits there."""
        yield from self.missing
        yield from self.echoes
        for each in self.settlements:
            yield each.queue

    def must_look(self) -> bool:
        """Whether to look at the queues before choosing one."""
        tempted = len(self.outlook.queues) > 1 and self.choose() is not None
        return self.outlook.older_than(OLD if tempted else self.poll()) and self.reachable(GLANCE)

    def choose(self) -> str | None:
        return self.outlook.choose(self.cut_off)

    @property
    def cut_off(self) -> set[str]:
        """The queues where nothing can be taken now."""
        return self.missing.keys() | self.outages.keys()

    def reachable(self, queue: str) -> bool:
        outage = self.outages.get(queue)
        return outage is None or outage.seconds() <= 0

    def seconds_to_next_try(self) -> float | None:
        """When to try again what has failed; None if nothing has."""
        return min((each.seconds() for each in self.outages.values()), default=None)

    @property
    def unsaid(self) -> bool:
        """Whether a stop must wait: for what is to be settled, or a reply that may bring jobs."""
        return bool(self.settlements) or any(trip.wanted for trip in self.missing.values())

    def unanswered(self) -> set[str]:
        """The tokens of runs whose outcome was sent, without an answer: they may be settled."""
        return {each.token for trip in self.missing.values() for each in trip.settlements}

    def forget(self, lost: Iterable[Reservation]) -> None:
        """Settle these no more."""
        tokens = {each.token for each in lost}
        self.settlements = [each for each in self.settlements if each.token not in tokens]

    # Going

    def go(self, room: int) -> list[Reservation]:
        """One round trip; returns what was taken, which is in the hand already."""
        trips, others = self.plan(room)
        try:
            answers, looks = self.broker.advance(self.worker, trips, others)
        except BrokerError as error:
            self.note(GLANCE, error)
            return []
        taken: list[Reservation] = []
        for trip, answer in zip(trips, answers, strict=True):
            if isinstance(answer, BrokerError):
                self.miss(trip, answer)
            else:
                taken += self.take_in(trip, answer)
        if others:
            self.note(GLANCE, None if looks else next(errors_in(answers), None))
            looks = dict.fromkeys(others, NOTHING) | looks if looks else {}
        whole = len(trips) + len(others) >= len(self.outlook.queues) and not self.outages
        self.outlook.learn(looks, all_others=bool(looks) or whole)
        return taken

    def plan(self, room: int) -> tuple[list[RoundTripRequest], list[str]]:
        """Where to go: to settle, to ring on, and to the one queue that comes first."""
        looking = self.must_look()
        target = self.choose() if room and not looking else None
        trips = [trip for queue, trip in self.missing.items() if self.reachable(queue)]
        visited = {each.queue: None for each in self.settlements} | dict.fromkeys(self.echoes)
        if target is not None:
            visited[target] = None
        self.number += 1
        hands = len(self.hand) - len(self.settlements)
        trips += [
            self.trip(queue, room if queue == target else 0, hands)
            for queue in visited
            if queue not in self.missing and self.reachable(queue)
        ]
        looking = looking or (len(self.outlook.queues) > 1 and self.outlook.older_than(FRESH))
        seen = {trip.queue for trip in trips}
        return trips, [q for q in self.outlook.queues if q not in seen] if looking else []

    def trip(self, queue: str, wanted: int, hands: int) -> RoundTripRequest:
        mine = [each for each in self.settlements if each.queue == queue]
        self.settlements = [each for each in self.settlements if each.queue != queue]
        self.echoes.discard(queue)
        return RoundTripRequest(queue, self.number, wanted, hands, mine)

    def take_in(self, trip: RoundTripRequest, answer: RoundTripReply) -> list[Reservation]:
        self.missing.pop(trip.queue, None)
        self.note(trip.queue, None)
        self.note(GLANCE, None)  # there is somebody to ask
        self.hand.settled(trip.settlements, answer.refused)
        for each in answer.refused:
            said = "outcome refused, the lease was lost: id=%s queue=%s token=%s"
            logger.warning(said, each.id, each.queue, each.token)
        self.outlook.learn({trip.queue: answer.status}, all_others=False)
        self.outlook.set_clock(answer.now)
        self.outlook.took(trip.queue, len(answer.reservations))
        self.alone = self.alone or answer.state == "alone"
        self.hand.take(answer.reservations)
        return answer.reservations

    # Outages

    def miss(self, trip: RoundTripRequest, error: BrokerError) -> None:
        trip.is_repeat = True
        self.missing[trip.queue] = trip
        self.note(trip.queue, error)

    def note(self, queue: str, error: BrokerError | None) -> None:
        """Keep account of what cannot be reached; the first and the last of it is told."""
        if error is not None:
            self.tell(queue, error)
            self.outages.setdefault(queue, Backoff()).fail()
        elif self.outages.pop(queue, None):
            if self.refusals.pop(queue, None):
                logger.warning("queue=%s goes on", queue)
            elif not self.outages:
                logger.warning("Redis is back")

    def tell(self, queue: str, error: BrokerError) -> None:
        """An outage is told once, for it concerns all queues; what Redis says no to, by queue."""
        if isinstance(error, Unavailable):
            if not self.outages:
                logger.warning("%s; trying again until it is back", error)
        elif self.refusals.get(queue) != str(error):
            self.refusals[queue] = str(error)
            logger.error("queue=%s stands still: %s; trying again", queue, error)

    def audible(self) -> list[str]:
        """The queues whose bells can be heard: none in an outage, and none that stands still."""
        if self.outages.keys() - self.refusals.keys():
            return []
        return [queue for queue in self.outlook.queues if queue not in self.refusals]


def errors_in(answers: Iterable[RoundTripReply | BrokerError]) -> Iterator[BrokerError]:
    return (each for each in answers if isinstance(each, BrokerError))
