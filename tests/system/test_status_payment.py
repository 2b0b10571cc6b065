"""Story S9: did the payment go through? Web requests enqueue the checkout, and ask about it."""

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import pytest

from buoy.embedded.server import Server
from buoy_status import State, status, wait_for
from tests.support.processes import Site, wait_until

from .apps.payment import Checkout

LIMIT = 100_00
"""Cents that the gateway authorises at most."""


class Page(NamedTuple):
    """What a web request answers: a code of HTTP and what the customer sees."""

    code: int
    text: str


# The web application


def submit(cart_id: int, cents: int, patience: float = 0.3) -> Page:
    """POST /checkout: begin it unless it is going on, and wait a moment for it."""
    handle = Checkout.enqueue(cart_id, cents)
    return page(wait_for(handle, timeout=patience))


def poll(cart_id: int, cents: int) -> Page:
    """GET /checkout: how does it stand?"""
    return page(status(Checkout, cart_id, cents))


def page(found: State[str] | None) -> Page:
    if found is None:
        return Page(404, "no such checkout")
    match found.state:
        case "done":
            return Page(200, f"paid: {found.result}")
        case "failed":
            return Page(402, f"not paid: {found.message}")
        case "cancelled":
            return Page(410, "the checkout was given up")
        case "queued" | "delayed" if found.attempt > 1:
            return Page(202, f"the bank does not answer, attempt {found.attempt}")
        case _:
            step = found.progress.note if found.progress else None
            return Page(202, step or "in progress")


# The gateway of somebody else


class Gateway:
    """Authorises what it is asked for, once for each key; answers when its gate is open."""

    def __init__(self) -> None:
        # Bound for as long as this lives: while it is down, nobody else gets the port.
        self.place = socket.socket()
        self.place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.place.bind(("127.0.0.1", 0))
        self.port = self.place.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.books: dict[str, str] = {}
        self.asked: Counter[str] = Counter()
        self.gate = threading.Event()
        self.gate.set()
        self.lock = threading.Lock()
        self.server: ThreadingHTTPServer | None = None

    def up(self) -> None:
        """Begin to answer at the port."""
        gateway = self

        class Conversation(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                code, text = gateway.authorise(self.headers["Idempotency-Key"], asked["cents"])
                gateway.gate.wait(60)
                self.send_response(code)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                """A customer who goes away while being served is no error of ours."""

        self.server = Quiet(("127.0.0.1", self.port), Conversation)
        serve = {"poll_interval": 0.02}
        threading.Thread(target=self.server.serve_forever, kwargs=serve, daemon=True).start()

    def down(self) -> None:
        """Refuse connections."""
        self.gate.set()
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
        self.server = None

    def authorise(self, key: str, cents: int) -> tuple[int, str]:
        with self.lock:
            self.asked[key] += 1
            if cents > LIMIT:
                return 402, "not covered"
            return 200, self.books.setdefault(key, f"A{len(self.books) + 1:04}")


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    gateway = Gateway()
    gateway.up()
    yield gateway
    gateway.down()
    gateway.place.close()


@pytest.fixture
def shop(server: Server, make_site: Callable[..., Site], gateway: Gateway) -> Site:
    site = make_site(server)
    site.app.broker.client.call("FLUSHALL")
    site.environ["SHOP_GATEWAY"] = gateway.url
    return site


def worker(shop: Site, executor: str = "fork") -> Any:
    return shop.worker("--executor", executor, "-c", "4", queues="payments", app="payment")


def settled(cart_id: int, cents: int = 500) -> Page:
    """What the customer sees in the end, who polls."""
    wait_until(lambda: poll(cart_id, cents).code != 202, what=lambda: poll(cart_id, cents))
    return poll(cart_id, cents)


def test_the_customer_gets_the_authorisation(shop: Site, gateway: Gateway) -> None:
    assert poll(7, 500) == Page(404, "no such checkout")
    assert submit(7, 500) == Page(202, "in progress")  # there is no worker yet
    assert poll(7, 500) == Page(202, "in progress")

    running = worker(shop)
    assert settled(7) == Page(200, "paid: A0001")
    assert gateway.books == {"cart-7": "A0001"}
    running.stop()


def test_a_request_that_waits_a_moment_is_answered_at_once(
    shop: Site, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("buoy_status.waiting.LONGEST_WAIT", 600.0)  # its next look is far away
    running = worker(shop, "thread")
    running.wait_for_log("serves")
    submit(1, 500)  # the first run loads what it needs
    settled(1)
    started = time.monotonic()

    assert submit(7, 500, patience=120) == Page(200, "paid: A0002")
    assert time.monotonic() - started < 60
    running.stop()


def test_a_refusal_is_final(shop: Site, gateway: Gateway) -> None:
    running = worker(shop)
    submit(7, LIMIT + 1)

    assert settled(7, LIMIT + 1) == Page(402, "not paid: not covered")
    assert gateway.asked == {"cart-7": 1}
    running.stop()


def test_with_the_gateway_down_it_is_in_progress_until_it_is_up(
    shop: Site, gateway: Gateway
) -> None:
    gateway.down()
    running = worker(shop)
    submit(7, 500)
    wait_until(lambda: "the bank does not answer" in poll(7, 500).text)

    gateway.up()
    assert settled(7) == Page(200, "paid: A0001")
    found = status(Checkout, 7, 500)
    assert found is not None
    assert (found.attempt > 1, found.error) == (True, None)
    running.stop()


@pytest.mark.parametrize("executor", ["fork", "thread"])
def test_with_the_worker_killed_in_the_middle_it_is_charged_once(
    shop: Site, gateway: Gateway, executor: str
) -> None:
    gateway.gate.clear()  # it charges, and has not answered yet
    first = worker(shop, executor)
    submit(7, 500)
    wait_until(lambda: gateway.asked["cart-7"] == 1)
    assert poll(7, 500) == Page(202, "asking the gateway")
    first.kill()
    assert poll(7, 500).code == 202

    second = worker(shop, executor)
    gateway.gate.set()
    assert settled(7) == Page(200, "paid: A0001")
    assert gateway.books == {"cart-7": "A0001"}
    assert gateway.asked == {"cart-7": 2}
    second.stop()


def test_the_same_cart_submitted_twice_at_once_is_one_checkout(
    shop: Site, gateway: Gateway
) -> None:
    running = worker(shop)
    running.wait_for_log("serves")
    gateway.gate.clear()
    step = threading.Barrier(3)

    def request() -> Page:
        step.wait(60)
        handle = Checkout.enqueue(7, 500)
        step.wait(60)
        return page(wait_for(handle, timeout=120))

    with ThreadPoolExecutor(2) as web:
        pages = [web.submit(request), web.submit(request)]
        step.wait(60)
        step.wait(60)
        gateway.gate.set()
        assert {each.result(120) for each in pages} == {Page(200, "paid: A0001")}

    assert gateway.asked == {"cart-7": 1}
    assert shop.words("began") == ["7"]
    running.stop()


def test_many_customers_at_once_each_get_their_own(shop: Site, gateway: Gateway) -> None:
    running = worker(shop, "thread")
    carts = range(30)

    with ThreadPoolExecutor(len(carts)) as web:
        pages = list(web.map(lambda cart: submit(cart, 500, patience=120), carts))

    assert [each.text for each in pages] == [f"paid: {gateway.books[f'cart-{n}']}" for n in carts]
    running.stop()
