"""The shop of the examples."""

from collections.abc import Iterator
from dataclasses import replace
from http.client import RemoteDisconnected
from pathlib import Path
from urllib.error import HTTPError

import pytest
from audit import find_errors
from shop import checkout, database, payment
from shop.gateway import Gateway, draw_behaviour
from shop.jobs import ChargePurchase, PackPurchase
from shop.mails import OrderMailer
from shop.mailserver import MailServer
from shop.orders import Order, euros, order_of, read_orders
from sqlalchemy import Table, select

from buoy import App, Handle
from buoy.operations.failed_set import Filter, find, retry
from buoy.testing import Clock, assert_enqueued, drain
from buoy_status import status

FILE = Path(database.__file__).parent / "orders.csv"
ORDERS = read_orders(FILE)


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    with Gateway(pace=0.0) as gateway:
        monkeypatch.setenv("SHOP_GATEWAY", gateway.url)
        yield gateway


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    with MailServer(busy=0) as post:
        monkeypatch.setenv("BUOY_MAIL_URL", post.url)
        yield post


@pytest.fixture
def shop(buoy_app: App, post: MailServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    monkeypatch.setenv("SHOP_DATABASE", str(tmp_path / "shop.db"))
    database.create()
    return buoy_app


def order_that_is(answer: str, gateway: Gateway) -> Order:
    """Returns the first order whose first request gets this answer."""
    return next(o for o in ORDERS if gateway.behaviour(o.id).answer(1) == answer)


def place(order: Order) -> Handle[str]:
    with database.transaction() as session:
        return checkout.place(session, order)


def rows(table: Table) -> list[tuple[object, ...]]:
    with database.transaction() as session:
        return [tuple(row) for row in session.execute(select(table))]


class TestOrders:
    def test_an_order_is_a_line_of_the_file(self) -> None:
        row = {"id": "7", "customer": "A", "email": "a@b.c", "city": "B", "items": "1 x C"}

        assert order_of(row | {"amount": "1234.05"}) == Order(7, "A", "a@b.c", "B", "1 x C", 123405)
        assert euros(123405) == "1,234.05 EUR"

    def test_the_file_has_sixty_different_orders(self) -> None:
        assert len({order.id for order in ORDERS}) == 60
        assert all(order.customer and order.city and order.items for order in ORDERS)
        assert all(order.cents > 0 for order in ORDERS)


class TestGateway:
    def test_repeated_requests_charge_once(self, gateway: Gateway) -> None:
        order = order_that_is("quick", gateway)

        receipts = {payment.charge(order.id, order.cents) for _ in range(3)}

        assert receipts == {"r-0001"}
        assert gateway.books == [(order.id, order.cents)]

    @pytest.mark.parametrize(
        ("answer", "error"),
        [
            ("busy", r"^HTTP Error 503: Service Unavailable$"),
            ("declined", r"^HTTP Error 402: Payment Required$"),
        ],
    )
    def test_a_refusing_gateway_charges_nothing(
        self, gateway: Gateway, answer: str, error: str
    ) -> None:
        order = order_that_is(answer, gateway)

        with pytest.raises(HTTPError, match=error):
            payment.charge(order.id, order.cents)

        assert gateway.books == []

    def test_the_gateway_charges_before_it_disconnects(self, gateway: Gateway) -> None:
        order = order_that_is("cut off", gateway)

        with pytest.raises(RemoteDisconnected):
            payment.charge(order.id, order.cents)
        assert gateway.books == [(order.id, order.cents)]

        assert payment.charge(order.id, order.cents) == "r-0001"
        assert gateway.books == [(order.id, order.cents)]

    def test_the_seed_determines_how_an_order_is_treated(self) -> None:
        one, same, other = (
            [draw_behaviour(order.id, seed) for order in ORDERS] for seed in (1, 1, 2)
        )

        assert one == same
        assert one != other


class TestJobs:
    def test_an_order_is_charged_then_packed(self, shop: App, gateway: Gateway) -> None:
        order = order_that_is("quick", gateway)

        place(order)
        assert_enqueued(ChargePurchase, order.id)
        assert drain(shop, "purchasing") == {"done": 1}

        assert rows(database.charges) == [(order.id, "r-0001")]
        assert_enqueued(PackPurchase, order.id)
        assert drain(shop, "packing") == {"done": 1}

        [(order_id, papers)] = rows(database.papers)
        assert order_id == order.id
        assert str(papers).splitlines()[:2] == [
            f"Order {order.id}",
            f"{order.customer}, {order.city}",
        ]

    def test_no_job_is_pushed_before_the_commit(self, shop: App) -> None:
        with database.transaction() as session:
            charge = checkout.place(session, ORDERS[0])
            assert charge.state == "deferred"
            assert shop.find(charge.id) is None

        assert shop.find(charge.id) is not None

    def test_the_jobs_of_an_order_that_is_rolled_back_do_not_run(self, shop: App) -> None:
        with database.transaction() as session:
            checkout.place(session, ORDERS[0])
            session.rollback()

        assert drain(shop) == {}
        assert database.count(database.orders) == 0

    def test_a_second_click_does_not_charge_again(self, shop: App, gateway: Gateway) -> None:
        order = order_that_is("quick", gateway)
        charge = place(order)

        second = checkout.pay(order.id)

        assert (second.state, second.holder) == ("exists", charge.id)
        assert drain(shop, "purchasing") == {"done": 1}

    def test_a_job_that_runs_twice_charges_and_packs_once(
        self, shop: App, gateway: Gateway
    ) -> None:
        order = order_that_is("quick", gateway)
        place(order)
        drain(shop)

        assert checkout.pay(order.id).state == "queued"

        assert drain(shop) == {"done": 1}
        assert gateway.books == [(order.id, order.cents)]
        assert database.count(database.charges) == database.count(database.papers) == 1

    def test_receipt_returns_the_result_of_the_charge(self, shop: App, gateway: Gateway) -> None:
        order = order_that_is("quick", gateway)
        assert checkout.receipt(order.id) is None

        place(order)
        assert checkout.receipt(order.id) is None
        drain(shop)

        assert checkout.receipt(order.id) == "r-0001"

    @pytest.mark.parametrize("answer", ["busy", "cut off"])
    def test_an_unreliable_gateway_is_retried(
        self, shop: App, gateway: Gateway, buoy_clock: Clock, answer: str
    ) -> None:
        order = order_that_is(answer, gateway)
        place(order)

        assert drain(shop, "purchasing") == {"delayed": 1}
        while checkout.receipt(order.id) is None:
            buoy_clock.advance(2)
            drain(shop, "purchasing")

        assert gateway.books == [(order.id, order.cents)]
        assert list(find(shop.monitor, Filter())) == []

    def test_a_declined_charge_is_failed(self, shop: App, gateway: Gateway) -> None:
        order = order_that_is("declined", gateway)
        place(order)

        assert drain(shop, "purchasing") == {"failed": 1}

        charge = status(ChargePurchase, order.id)
        assert charge is not None
        assert (charge.state, charge.message) == ("failed", "HTTP Error 402: Payment Required")

    def test_jobs_print_what_they_do(
        self, shop: App, gateway: Gateway, capsys: pytest.CaptureFixture[str]
    ) -> None:
        good, bad = order_that_is("quick", gateway), order_that_is("declined", gateway)
        for order in (good, bad):
            place(replace(order, customer="Ann", city="Oban", items="1 x A"))

        drain(shop)

        assert sorted(capsys.readouterr().out.splitlines()) == [
            f"ChargePurchase {good.id}      {euros(good.cents)} from Ann, receipt r-0001",
            f"ChargePurchase {bad.id}      failed: HTTPError: HTTP Error 402: Payment Required",
            f"PackPurchase {good.id}        papers for Oban: 1 x A",
        ]


class TestMails:
    def test_a_confirmation_lists_the_items(self, shop: App) -> None:
        order = Order(7, "Zoë, of Oban", "zoe@example.org", "Oban", "1 x A; 2 x B", 1250)
        place(order)

        message = OrderMailer.confirmation(order.id).message()

        assert message["To"] == '"Zoë, of Oban" <zoe@example.org>'
        assert message["From"] == "Buoys & Ropes <shop@example.org>"
        assert message["Subject"] == "Your order 7"
        assert message["X-Order"] == "7"
        assert message.get_content().splitlines() == [
            *("Thank you, Zoë, of Oban!", "", "1 x A", "2 x B", "", "12.50 EUR")
        ]

    def test_a_busy_mail_server_is_retried(
        self, shop: App, post: MailServer, buoy_clock: Clock
    ) -> None:
        post.busy = 2
        place(ORDERS[0])

        assert drain(shop, "mail") == {"delayed": 1}
        buoy_clock.advance(1)
        assert drain(shop, "mail") == {"delayed": 1}
        buoy_clock.advance(1)
        assert drain(shop, "mail") == {"done": 1}

        assert post.refused == 2
        [mails] = post.received.values()
        assert len(mails) == 1


def test_all_orders_are_charged_packed_and_confirmed(
    shop: App, gateway: Gateway, post: MailServer, buoy_clock: Clock
) -> None:
    post.busy = 20
    for order in ORDERS:
        place(order)

    counts = drain(shop)
    while is_under_way(shop):
        buoy_clock.advance(2)
        counts += drain(shop)
    assert counts["failed"] == gateway.answers["declined"] > 3
    retry(shop.control, list(find(shop.monitor, Filter())))
    counts += drain(shop)

    assert counts["done"] == 3 * len(ORDERS)
    assert counts["delayed"] == gateway.answers["busy"] + gateway.answers["cut off"] + post.refused
    assert gateway.answers["slow"] > 3
    assert list(find_errors(shop, gateway, post, ORDERS)) == []


def is_under_way(shop: App) -> bool:
    return any(queue.delayed for queue in shop.monitor.queues())


def test_find_errors_reports_every_loss_and_duplicate(
    shop: App, gateway: Gateway, post: MailServer
) -> None:
    first, second, third = ORDERS[:3]
    gateway.books += [(first.id, first.cents), (first.id, 1), (third.id, 1)]
    post.received[str(first.id)] += ["<b>", "<a>", "<a>"]
    with database.transaction() as session:
        database.add(session, database.charges, order_id=first.id, receipt="r-1")

    assert list(find_errors(shop, gateway, post, [first, second])) == [
        f"order {first.id}: expected one charge of {first.cents} cents, got [{first.cents}, 1]",
        f"order {first.id}: expected the web to know its receipt, got None",
        f"order {first.id}: its papers are missing",
        f"order {first.id}: expected one mail, got ['<a>', '<b>']",
        f"order {second.id}: expected one charge of {second.cents} cents, got []",
        f"order {second.id}: expected the web to know its receipt, got None",
        f"order {second.id}: its papers are missing",
        f"order {second.id}: expected one mail, got []",
        f"order {third.id}: expected no trace of it, because it was rolled back",
        "expected 6 jobs done, got 0",
    ]
