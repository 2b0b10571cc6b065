"""The shop's jobs. A worker for them: buoy worker -a shop.jobs -q packing,purchasing"""

from buoy import Job

from . import database, payment
from .journal import Journal, say
from .orders import Order, euros


class ShopJob(Job):
    """What all jobs of the shop share."""

    plugins = [Journal()]
    timeout = 30.0


class ChargePurchase(ShopJob):
    """Charges an order, then has it packed.

    Packing is a job of its own: should it fail, it is run again without charging again.
    """

    queue = "purchasing"

    # A worker can die at any line of this, and then all of it runs again. So each step may be
    # repeated: the gateway charges an order's id once, the table takes one charge per order, and
    # a job whose id is known is not enqueued again.
    def perform(self, order_id: int) -> None:
        order = database.order(order_id)
        receipt = payment.charge(order.id, order.cents)
        database.add_charge(order.id, receipt)
        PackPurchase.using(id=f"pack-{order.id}").enqueue(order.id)
        say(self, f"{euros(order.cents)} from {order.customer}, receipt {receipt}")


class PackPurchase(ShopJob):
    """Makes the packing papers of an order."""

    queue = "packing"

    def perform(self, order_id: int) -> None:
        order = database.order(order_id)
        lines = [f"Order {order.id}", f"{order.customer}, {order.city}", *order.items.split("; ")]
        database.add_papers(order.id, "\n".join(lines))
        say(self, f"papers for {order.city}: {order.items}")


def place(order: Order) -> None:
    """Take an order: into the books first, so that its job finds it there."""
    database.add_order(order)
    ChargePurchase.using(id=f"charge-{order.id}").enqueue(order.id)
