"""The shop's jobs: an order is charged, then packed."""

from buoy import Job
from buoy_aftercommit import AfterCommit
from buoy_loner import Loner
from buoy_retry import HTTP_ERRORS, Retry
from buoy_status import Status

from . import database, payment
from .journal import Journal, say
from .orders import euros


class ShopJob(Job):
    """The base of all jobs of the shop."""

    plugins = [Journal(), AfterCommit(), Retry(limit=5, delay=[0.5, 1, 2], on=HTTP_ERRORS)]
    timeout = 30.0


class ChargePurchase(ShopJob):
    """Charges an order and enqueues its packing; returns the receipt.

    Packing is a separate job, so that it can be retried without charging again.
    """

    queue = "purchasing"
    plugins = [Loner(), Status()]

    # A worker may be killed at any line, and then the job runs again. So each step can be repeated:
    # the gateway charges an order's id once, the table holds one charge per order, and a job whose
    # id is known is not enqueued again.
    def perform(self, order_id: int) -> str:
        order = database.order(order_id)
        receipt = payment.charge(order.id, order.cents)
        with database.transaction() as session:
            database.add(session, database.charges, order_id=order.id, receipt=receipt)
            PackPurchase.using(id=f"pack-{order.id}").enqueue(order.id)
        say(self, f"{euros(order.cents)} from {order.customer}, receipt {receipt}")
        return receipt


class PackPurchase(ShopJob):
    """Makes the packing papers of an order."""

    queue = "packing"

    def perform(self, order_id: int) -> None:
        order = database.order(order_id)
        lines = [f"Order {order.id}", f"{order.customer}, {order.city}", *order.items.split("; ")]
        with database.transaction() as session:
            database.add(session, database.papers, order_id=order.id, text="\n".join(lines))
        say(self, f"papers for {order.city}: {order.items}")
