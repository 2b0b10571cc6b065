"""The checkout of a shop: it charges a cart at somebody else's gateway."""

import json
import os
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

from buoy import DirtyExit, Job
from buoy_loner import Loner
from buoy_retry import HTTP_ERRORS, Retry
from buoy_status import Status, progress

from .record import note


class Declined(Exception):
    """The gateway has answered, and the answer is no."""


class Checkout(Job):
    """Charges a cart; returns the number of the authorisation."""

    queue = "payments"
    plugins = [Status(ttl=3600), Loner(), Retry(limit=1000, delay=0.1, on=(HTTP_ERRORS, DirtyExit))]

    # It can be killed at any line, and is run again: so the gateway is told a key of the cart, by
    # which it charges once, however often it is asked.
    def perform(self, cart_id: int, cents: int) -> str:
        note("began", str(cart_id))
        progress(self, 1, of=2, note="asking the gateway")
        authorisation = authorise(cart_id, cents)
        progress(self, 2, of=2)
        return authorisation


def authorise(cart_id: int, cents: int) -> str:
    """Have the gateway charge a cart; SHOP_GATEWAY is its address."""
    address = urlsplit(os.environ["SHOP_GATEWAY"])
    body = json.dumps({"cart": cart_id, "cents": cents})
    with closing(HTTPConnection(address.netloc, timeout=60.0)) as gateway:
        gateway.request("POST", "/", body, {"Idempotency-Key": f"cart-{cart_id}"})
        answer = gateway.getresponse()
        text = answer.read().decode()
    if answer.status != 200:
        raise Declined(text)
    return text
