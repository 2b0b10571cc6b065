"""The checkout of a shop: it charges a cart at somebody else's gateway."""

import json
import os
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import urlsplit

from buoy import DirtyExit, Job, Later, Plugin, hookimpl
from buoy_status import Status, progress

from .record import note


class Declined(Exception):
    """The gateway has answered, and the answer is no."""


@dataclass(frozen=True)
class TryAgain(Plugin):
    """Has what the network or a dead process spoiled done again."""

    limit: int
    delay: float

    @hookimpl
    def on_failure(self, job: Job, error: BaseException) -> Later | None:
        passing = isinstance(error, OSError | DirtyExit)
        return Later(self.delay) if passing and job.attempt <= self.limit else None


@dataclass(frozen=True)
class OneOfEach(Plugin):
    """Keeps a job out while another one with the same arguments lives."""

    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        job.transition.claim(f"one:{job.identifier}")


class Checkout(Job):
    """Charges a cart; returns the number of the authorisation."""

    queue = "payments"
    plugins = [Status(ttl=3600), OneOfEach(), TryAgain(limit=50, delay=0.1)]

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
    with closing(HTTPConnection(address.netloc, timeout=10.0)) as gateway:
        gateway.request("POST", "/", body, {"Idempotency-Key": f"cart-{cart_id}"})
        answer = gateway.getresponse()
        text = answer.read().decode()
    if answer.status != 200:
        raise Declined(text)
    return text
