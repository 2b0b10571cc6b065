"""Charging customers by a call of an HTTP API, which may be slow, refuse, or disconnect."""

import json
import os
from contextlib import closing
from http.client import HTTPConnection
from urllib.error import HTTPError
from urllib.parse import urlsplit

TIMEOUT = 10.0


def charge(order_id: int, cents: int) -> str:
    """Charge an order; returns the receipt. SHOP_GATEWAY is the address of the gateway.

    Raises HTTPError if the gateway refuses, and OSError.
    """
    address = urlsplit(os.environ["SHOP_GATEWAY"])
    body = json.dumps({"order": order_id, "cents": cents})
    # With the key, a request can be repeated when it is unknown whether the first one arrived.
    headers = {"Content-Type": "application/json", "Idempotency-Key": f"order-{order_id}"}
    with closing(HTTPConnection(address.netloc, timeout=TIMEOUT)) as gateway:
        gateway.request("POST", "/charges", body, headers)
        answer = gateway.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise HTTPError("/charges", answer.status, answer.reason, answer.headers, None)
        return str(json.loads(text)["receipt"])
