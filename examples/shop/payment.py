"""Charging customers: a call of other people's HTTP API, which may be slow, refuse, or hang up."""

import json
import os
from contextlib import closing
from http.client import HTTPConnection
from urllib.error import HTTPError
from urllib.parse import urlsplit

TIMEOUT = 10.0


def charge(order_id: int, cents: int) -> str:
    """Have an order charged; returns the receipt. SHOP_GATEWAY is the address of the gateway.

    Raises HTTPError when the gateway answers, but does not charge.
    """
    address = urlsplit(os.environ["SHOP_GATEWAY"])
    body = json.dumps({"order": order_id, "cents": cents})
    # The key makes it safe to ask again when nobody knows whether the first time went through.
    headers = {"Content-Type": "application/json", "Idempotency-Key": f"order-{order_id}"}
    with closing(HTTPConnection(address.netloc, timeout=TIMEOUT)) as gateway:
        gateway.request("POST", "/charges", body, headers)
        answer = gateway.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise HTTPError("/charges", answer.status, answer.reason, answer.headers, None)
        return str(json.loads(text)["receipt"])
