"""What has become of everything in the demo: read from those who keep it, not from its plot."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shop import database
from shop.gateway import Gateway
from shop.orders import Order, euros

from buoy import App


@dataclass(frozen=True, slots=True)
class Events:
    """What the demo did itself: jobs found failed, jobs retried, jobs in a dead worker's hand."""

    failed: int
    replayed: int
    held: int
    seconds: float


def summary(app: App, gateway: Gateway, events: Events) -> Iterator[str]:
    """The numbers, a line each."""
    total = euros(sum(cents for _, cents in gateway.books))
    refused, cut_off, slow = (gateway.answers[how] for how in ("refused", "cut off", "slow"))
    runs, done = database.count("runs"), jobs_done(app)
    repeated = runs - done - events.failed
    lines: list[tuple[str, float, str]] = [
        ("orders", database.count("orders"), "in the shop's database"),
        ("charged", len(gateway.books), f"in the gateway's books: {total}"),
        ("packed", database.count("papers"), "in the shop's database"),
        ("jobs done", done, "counted by Redis"),
        ("runs", runs, "in the journal of the jobs"),
        ("failed", events.failed, f"runs: the gateway refused {refused} and cut off {cut_off}"),
        ("replayed", events.replayed, "jobs put back on their queue"),
        ("repeated", repeated, f"runs begun anew: the dead worker had {events.held} in hand"),
        ("seconds", round(events.seconds, 1), f"the gateway was slow {slow} times"),
    ]
    return (f"{name:10}{number:>6}  {remark}" for name, number, remark in lines)


def what_is_wrong(app: App, gateway: Gateway, orders: Sequence[Order]) -> Iterator[str]:
    """Whatever is lost or doubled; nothing, if buoy keeps its promise."""
    noted = {order_id for (order_id,) in database.rows("SELECT order_id FROM charges")}
    packed = {order_id for (order_id,) in database.rows("SELECT order_id FROM papers")}
    for order in orders:
        charged = [cents for order_id, cents in gateway.books if order_id == order.id]
        if charged != [order.cents]:
            yield f"order {order.id}: expected one charge of {order.cents} cents, got {charged}"
        if order.id not in noted:
            yield f"order {order.id}: its charge is missing in the shop's database"
        if order.id not in packed:
            yield f"order {order.id}: its papers are missing"
    if jobs_done(app) != 2 * len(orders):
        yield f"expected {2 * len(orders)} jobs done, got {jobs_done(app)}"


def jobs_done(app: App) -> int:
    """How many jobs have ended well, by the counters in Redis."""
    return sum(queue.done for queue in app.monitor.queues())
