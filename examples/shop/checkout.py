"""What the shop's web pages do. No page waits for the gateway, nor for the mail server."""

from sqlalchemy.orm import Session

from buoy import Handle
from buoy_status import status

from . import database
from .jobs import ChargePurchase
from .mails import OrderMailer
from .orders import Order


def place(session: Session, order: Order) -> Handle[str]:
    """Take an order. Its jobs begin when the session commits, and never if it does not."""
    database.add_order(session, order)
    OrderMailer.confirmation(order.id).deliver()
    return ChargePurchase.enqueue(order.id)


def pay(order_id: int) -> Handle[str]:
    """The button "pay now": however often it is clicked, one charge is under way."""
    return ChargePurchase.enqueue(order_id)


def receipt(order_id: int) -> str | None:
    """What the page says that the customer looks at meanwhile; None: not yet, or not at all."""
    charge = status(ChargePurchase, order_id)
    return charge.result if charge else None
