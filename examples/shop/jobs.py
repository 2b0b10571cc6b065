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
    """What all jobs of the shop share."""

    plugins = [Journal(), AfterCommit(), Retry(limit=5, delay=[0.5, 1, 2], on=HTTP_ERRORS)]
    timeout = 30.0


class ChargePurchase(ShopJob):
    """Charges an order, then has it packed; its result is the receipt.

    Packing is a job of its own: should it fail, it is run again without charging again.
    """

    queue = "purchasing"
    plugins = [Loner(), Status()]

    # A worker can die at any line of this, and then all of it runs again. So each step may be
    # repeated: the gateway charges an order's id once, the table takes one charge per order, and
    # a job whose id is known is not enqueued again.
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
