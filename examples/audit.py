"""Counts what the demo has done, from the records of the gateway, the mail server, the database and
Redis, and compares them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shop import database
from shop.checkout import receipt
from shop.gateway import Gateway
from shop.mailserver import MailServer
from shop.orders import Order, euros

from buoy import App

JOBS = 3
"""The jobs of one order: confirmation, charge, packing."""


@dataclass(slots=True)
class DemoEvents:
    """What the demo itself has done and seen: orders rolled back, second clicks refused, jobs that
    failed, failed jobs that were retried, jobs that the killed worker was running."""

    dropped: int = 0
    doubles: int = 0
    failed: int = 0
    retried: int = 0
    interrupted: int = 0
    seconds: float = 0.0


def summary(
    app: App, gateway: Gateway, mail_server: MailServer, events: DemoEvents
) -> Iterator[str]:
    """Returns the numbers, one line each."""
    total = euros(sum(cents for _, cents in gateway.books))
    busy, cut_off, slow = (gateway.answers[how] for how in ("busy", "cut off", "slow"))
    runs, done, errors = database.count(database.runs), jobs_done(app), len(recorded_errors())
    by_plugin = errors - events.failed
    lines: list[tuple[str, float, str]] = [
        ("orders", database.count(database.orders), f"committed; {events.dropped} rolled back"),
        (
            "mailed",
            count_mails(mail_server),
            f"different mails at the mail server, busy {mail_server.refused} times",
        ),
        ("charged", len(gateway.books), f"in the gateway's books: {total}"),
        ("packed", database.count(database.papers), "in the shop's database"),
        ("jobs done", done, f"counted by Redis; {events.doubles} second clicks made none"),
        ("runs", runs, "in the journal of the jobs"),
        ("retried", by_plugin, f"runs, by Retry; gateway: {busy} busy, {cut_off} cut off"),
        ("failed", events.failed, "runs: the gateway declined"),
        ("replayed", events.retried, "failed jobs retried by the operator"),
        (
            "repeated",
            runs - done - errors,
            f"runs begun again: the killed worker had {events.interrupted}",
        ),
        ("reports", reports(app), "by the scheduler, every 2 seconds"),
        ("seconds", round(events.seconds, 1), f"the gateway was slow {slow} times"),
    ]
    return (f"{name:10}{number:>6}  {remark}" for name, number, remark in lines)


def find_errors(
    app: App, gateway: Gateway, mail_server: MailServer, orders: Sequence[Order]
) -> Iterator[str]:
    """Returns a line for each loss and each duplicate; none if buoy keeps its promise."""
    receipts = set(database.column(database.charges.c.receipt))
    packed = set(database.column(database.papers.c.order_id))
    for order in orders:
        charged = [cents for order_id, cents in gateway.books if order_id == order.id]
        if charged != [order.cents]:
            yield f"order {order.id}: expected one charge of {order.cents} cents, got {charged}"
        if receipt(order.id) not in receipts:
            yield f"order {order.id}: expected the web to know its receipt, got {receipt(order.id)}"
        if order.id not in packed:
            yield f"order {order.id}: its papers are missing"
        # A mail that is sent again because its worker was killed has the same Message-ID.
        mailed = set(mail_server.received.get(str(order.id), []))
        if len(mailed) != 1:
            yield f"order {order.id}: expected one mail, got {sorted(mailed)}"
    wanted = {order.id for order in orders}
    for order_id in sorted(known_orders(gateway, mail_server) - wanted):
        yield f"order {order_id}: expected no trace of it, because it was rolled back"
    if jobs_done(app) != JOBS * len(orders):
        yield f"expected {JOBS * len(orders)} jobs done, got {jobs_done(app)}"


def known_orders(gateway: Gateway, mail_server: MailServer) -> set[int]:
    """Returns the ids of all orders in the database, at the gateway and at the mail server."""
    in_books = database.column(database.orders.c.id)
    return {
        *in_books,
        *(order_id for order_id, _ in gateway.books),
        *map(int, mail_server.received),
    }


def count_mails(mail_server: MailServer) -> int:
    return len({id for ids in mail_server.received.values() for id in ids})


def recorded_errors() -> list[str]:
    return database.column(database.runs.c.error)


def jobs_done(app: App) -> int:
    """Returns how many jobs of orders are done, by the counters in Redis."""
    return sum(queue.done for queue in app.monitor.queues() if queue.name != "reports")


def reports(app: App) -> int:
    return sum(queue.done for queue in app.monitor.queues() if queue.name == "reports")
