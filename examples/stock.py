"""What has become of everything in the demo: read from those who keep it, not from its plot."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shop import database
from shop.checkout import receipt
from shop.gateway import Gateway
from shop.mailserver import MailServer
from shop.orders import Order, euros

from buoy import App

JOBS = 3
"""Those of an order: its confirmation, its charge, its packing."""


@dataclass(slots=True)
class Events:
    """What the demo did itself: orders rolled back, second clicks refused, jobs found failed, jobs
    put back, jobs in a dead worker's hand."""

    dropped: int = 0
    doubles: int = 0
    failed: int = 0
    replayed: int = 0
    held: int = 0
    seconds: float = 0.0


def summary(app: App, gateway: Gateway, post: MailServer, events: Events) -> Iterator[str]:
    """The numbers, a line each."""
    total = euros(sum(cents for _, cents in gateway.books))
    busy, cut_off, slow = (gateway.answers[how] for how in ("busy", "cut off", "slow"))
    runs, done, errors = database.count(database.runs), jobs_done(app), len(errors_noted())
    retried = errors - events.failed
    lines: list[tuple[str, float, str]] = [
        ("orders", database.count(database.orders), f"committed; {events.dropped} rolled back"),
        ("mailed", mails(post), f"different mails at the mail server, busy {post.refused} times"),
        ("charged", len(gateway.books), f"in the gateway's books: {total}"),
        ("packed", database.count(database.papers), "in the shop's database"),
        ("jobs done", done, f"counted by Redis; {events.doubles} second clicks made none"),
        ("runs", runs, "in the journal of the jobs"),
        ("retried", retried, f"runs, by Retry; gateway: {busy} busy, {cut_off} cut off"),
        ("failed", events.failed, "runs: the gateway declined"),
        ("replayed", events.replayed, "jobs put back on their queue"),
        ("repeated", runs - done - errors, f"begun anew: a dead worker held {events.held}"),
        ("reports", reports(app), "made meanwhile: the scheduler's, every 2 seconds"),
        ("seconds", round(events.seconds, 1), f"the gateway was slow {slow} times"),
    ]
    return (f"{name:10}{number:>6}  {remark}" for name, number, remark in lines)


def what_is_wrong(
    app: App, gateway: Gateway, post: MailServer, orders: Sequence[Order]
) -> Iterator[str]:
    """Whatever is lost or doubled; nothing, if buoy keeps its promise."""
    noted = set(database.column(database.charges.c.receipt))
    packed = set(database.column(database.papers.c.order_id))
    for order in orders:
        charged = [cents for order_id, cents in gateway.books if order_id == order.id]
        if charged != [order.cents]:
            yield f"order {order.id}: expected one charge of {order.cents} cents, got {charged}"
        if receipt(order.id) not in noted:
            yield f"order {order.id}: expected the web to know its receipt, got {receipt(order.id)}"
        if order.id not in packed:
            yield f"order {order.id}: its papers are missing"
        # One that is sent again, as its worker was killed, can be told by its Message-ID.
        mailed = set(post.received.get(str(order.id), []))
        if len(mailed) != 1:
            yield f"order {order.id}: expected one mail, got {sorted(mailed)}"
    wanted = {order.id for order in orders}
    for order_id in sorted(known_orders(gateway, post) - wanted):
        yield f"order {order_id}: expected nothing, as it was rolled back"
    if jobs_done(app) != JOBS * len(orders):
        yield f"expected {JOBS * len(orders)} jobs done, got {jobs_done(app)}"


def known_orders(gateway: Gateway, post: MailServer) -> set[int]:
    """Those that anybody has heard of."""
    in_books = database.column(database.orders.c.id)
    return {*in_books, *(order_id for order_id, _ in gateway.books), *map(int, post.received)}


def mails(post: MailServer) -> int:
    return len({id for ids in post.received.values() for id in ids})


def errors_noted() -> list[str]:
    return database.column(database.runs.c.error)


def jobs_done(app: App) -> int:
    """How many jobs of orders have ended well, by the counters in Redis."""
    return sum(queue.done for queue in app.monitor.queues() if queue.name != "reports")


def reports(app: App) -> int:
    return sum(queue.done for queue in app.monitor.queues() if queue.name == "reports")
