"""A payment gateway for the demo and the tests: it runs locally and is unreliable on purpose.

The order's id decides what happens: the gateway answers quickly or slowly, is busy at first,
declines at first, or charges and then disconnects without an answer.
"""

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any, Literal, Self

Answer = Literal["quick", "slow", "busy", "declined", "cut off"]
REFUSALS: dict[Answer, HTTPStatus] = {
    "busy": HTTPStatus.SERVICE_UNAVAILABLE,
    "declined": HTTPStatus.PAYMENT_REQUIRED,
}
SLOW = 1.0
"""Seconds. An answer that takes longer counts as slow."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the gateway treats one order."""

    seconds: float
    trouble: Answer | None = None
    troubles: int = 1

    def answer(self, request: int) -> Answer:
        """Returns the answer to the first request for this order, to the second, ..."""
        if self.trouble and request <= self.troubles:
            return self.trouble
        return "slow" if self.seconds >= SLOW else "quick"


def draw_behaviour(order_id: int, seed: int) -> Behaviour:
    """Returns how an order is treated, drawn with the seed."""
    dice = Random(f"{seed}/{order_id}")
    quick = dice.uniform(0.05, 0.35)
    match dice.choices(["quick", "slow", "busy", "declined", "cut off"], [62, 14, 10, 7, 7])[0]:
        case "slow":
            return Behaviour(dice.uniform(SLOW, 1.8))
        case "busy":
            return Behaviour(quick, "busy", dice.choice([1, 1, 2]))
        case "declined":
            return Behaviour(quick, "declined")
        case "cut off":
            return Behaviour(quick, "cut off")
    return Behaviour(quick)


class Gateway:
    """``with Gateway() as gateway: ... gateway.url``. ``books`` holds the real charges."""

    def __init__(self, seed: int = 2006, pace: float = 1.0) -> None:
        self.seed, self.pace = seed, pace
        self.books: list[tuple[int, int]] = []
        """Each charge: id of the order, cents."""
        self.receipts: dict[str, str] = {}
        self.requests: Counter[int] = Counter()
        self.answers: Counter[Answer] = Counter()
        self.lock = threading.Lock()
        self.server = Server(("127.0.0.1", 0), RequestHandler)
        self.server.gateway = self
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> Self:
        serve = {"poll_interval": 0.05}
        threading.Thread(target=self.server.serve_forever, kwargs=serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def behaviour(self, order_id: int) -> Behaviour:
        """How this order is treated."""
        return draw_behaviour(order_id, self.seed)

    def charge(self, order_id: int, cents: int, key: str) -> tuple[Answer, str]:
        """Charge, or find the earlier charge with this key. Returns the answer and the receipt; the
        receipt is empty if the gateway refuses."""
        behaviour = self.behaviour(order_id)
        with self.lock:
            self.requests[order_id] += 1
            answer = behaviour.answer(self.requests[order_id])
            self.answers[answer] += 1
            if answer in REFUSALS:
                return answer, ""
            if key not in self.receipts:
                self.books.append((order_id, cents))
                self.receipts[key] = f"r-{len(self.books):04}"
            return answer, self.receipts[key]


class Server(ThreadingHTTPServer):
    """Serves a gateway. A client that disconnects is not an error."""

    gateway: Gateway

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class RequestHandler(BaseHTTPRequestHandler):
    """One request and its answer."""

    server: Server

    def do_POST(self) -> None:
        gateway = self.server.gateway
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers["Idempotency-Key"]
        answer, receipt = gateway.charge(request["order"], request["cents"], key)
        # It charges first and then waits: a client killed meanwhile does not know of the charge.
        time.sleep(gateway.behaviour(request["order"]).seconds * gateway.pace)
        if answer in REFUSALS:
            self.send_response(REFUSALS[answer])
            if answer == "busy":
                self.send_header("Retry-After", "1")
            self.end_headers()
        elif answer != "cut off":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"receipt": receipt}).encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass
