"""The shop's mails. Each is sent in its own job."""

from email.headerregistry import Address

from buoy_aftercommit import AfterCommit
from buoy_mailer import Mail, Mailer, mail
from buoy_retry import SMTP_ERRORS, Retry

from . import database
from .journal import Journal
from .orders import euros


class ShopMailer(Mailer):
    """The base of all mailers of the shop: they retry while the mail server is busy."""

    sender = "Buoys & Ropes <shop@example.org>"
    plugins = [Journal(), AfterCommit(), Retry(limit=10, delay=0.5, on=SMTP_ERRORS)]
    timeout = 30.0


class OrderMailer(ShopMailer):
    """Mails about an order."""

    @mail
    def confirmation(self, order_id: int) -> Mail:
        order = database.order(order_id)
        items = order.items.replace("; ", "\n")
        return Mail(
            to=Address(order.customer, addr_spec=order.email),
            subject=f"Your order {order.id}",
            text=f"Thank you, {order.customer}!\n\n{items}\n\n{euros(order.cents)}\n",
            headers={"X-Order": str(order.id)},
        )
