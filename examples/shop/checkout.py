"""What the shop's web pages do. No page waits for the gateway or the mail server."""

from sqlalchemy.orm import Session

from buoy import Handle
from buoy_status import status

from . import database
from .jobs import ChargePurchase
from .mails import OrderMailer
from .orders import Order


def place(session: Session, order: Order) -> Handle[str]:
    """Take an order. Its jobs are pushed when the session commits, and dropped if it does not."""
    database.add_order(session, order)
    OrderMailer.confirmation(order.id).deliver()
    return ChargePurchase.enqueue(order.id)


def pay(order_id: int) -> Handle[str]:
    """The button "pay now". However often it is clicked, only one charge is enqueued."""
    return ChargePurchase.enqueue(order_id)


def receipt(order_id: int) -> str | None:
    """Returns the receipt for the customer's page; None if the order is not charged."""
    charge = status(ChargePurchase, order_id)
    return charge.result if charge else None
