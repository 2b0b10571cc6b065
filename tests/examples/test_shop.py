"""The shop of the examples."""

from collections.abc import Iterator
from dataclasses import replace
from http.client import RemoteDisconnected
from pathlib import Path

import pytest
from shop import database, payment
from shop.gateway import Gateway, draw_temper
from shop.jobs import ChargePurchase, PackPurchase, place
from shop.orders import Order, euros, order_of, read_orders
from stock import what_is_wrong

from buoy import App
from buoy.failures import Filter, find, retry
from buoy.testing import assert_enqueued, drain

FILE = Path(database.__file__).parent / "orders.csv"
ORDERS = read_orders(FILE)


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    with Gateway(pace=0.0) as gateway:
        monkeypatch.setenv("SHOP_GATEWAY", gateway.url)
        yield gateway


@pytest.fixture
def shop(buoy_app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    monkeypatch.setenv("SHOP_DATABASE", str(tmp_path / "shop.db"))
    database.create()
    return buoy_app


def order_that_is(answer: str, gateway: Gateway) -> Order:
    """The first whose first request is answered so."""
    return next(o for o in ORDERS if gateway.temper(o.id).answer(1) == answer)


class TestOrders:
    def test_an_order_is_a_line_of_the_file(self) -> None:
        row = {"id": "7", "customer": "A", "city": "B", "items": "1 x C", "amount": "1234.05"}

        assert order_of(row) == Order(7, "A", "B", "1 x C", 123405)
        assert euros(123405) == "1,234.05 EUR"

    def test_the_file_has_sixty_different_orders(self) -> None:
        assert len({order.id for order in ORDERS}) == 60
        assert all(order.customer and order.city and order.items for order in ORDERS)
        assert all(order.cents > 0 for order in ORDERS)


class TestGateway:
    def test_it_charges_once_however_often_it_is_asked(self, gateway: Gateway) -> None:
        order = order_that_is("quick", gateway)

        receipts = {payment.charge(order.id, order.cents) for _ in range(3)}

        assert receipts == {"r-0001"}
        assert gateway.books == [(order.id, order.cents)]

    def test_a_refusal_charges_nothing(self, gateway: Gateway) -> None:
        order = order_that_is("refused", gateway)

        with pytest.raises(payment.PaymentRefused, match=r"^503 Service Unavailable$"):
            payment.charge(order.id, order.cents)

        assert gateway.books == []

    def test_it_charges_before_it_hangs_up(self, gateway: Gateway) -> None:
        order = order_that_is("cut off", gateway)

        with pytest.raises(RemoteDisconnected):
            payment.charge(order.id, order.cents)
        assert gateway.books == [(order.id, order.cents)]

        assert payment.charge(order.id, order.cents) == "r-0001"
        assert gateway.books == [(order.id, order.cents)]

    def test_the_seed_decides_how_an_order_is_treated(self) -> None:
        one, same, other = ([draw_temper(order.id, seed) for order in ORDERS] for seed in (1, 1, 2))

        assert one == same
        assert one != other


class TestJobs:
    def test_an_order_is_charged_then_packed(self, shop: App, gateway: Gateway) -> None:
        order = order_that_is("quick", gateway)

        place(order)
        assert_enqueued(ChargePurchase, order.id)
        assert drain(shop, "purchasing") == {"done": 1}

        assert database.rows("SELECT * FROM charges") == [(order.id, "r-0001")]
        assert_enqueued(PackPurchase, order.id)
        assert drain(shop) == {"done": 1}

        [(order_id, papers)] = database.rows("SELECT * FROM papers")
        assert order_id == order.id
        assert papers.splitlines()[:2] == [f"Order {order.id}", f"{order.customer}, {order.city}"]

    def test_an_order_that_is_placed_twice_is_one_order(self, shop: App, gateway: Gateway) -> None:
        order = order_that_is("quick", gateway)

        place(order)
        place(order)

        assert drain(shop) == {"done": 2}
        assert gateway.books == [(order.id, order.cents)]

    def test_a_job_that_runs_twice_charges_and_packs_once(
        self, shop: App, gateway: Gateway
    ) -> None:
        order = order_that_is("quick", gateway)
        place(order)

        ChargePurchase.using(id="again").enqueue(order.id)

        assert drain(shop) == {"done": 3}
        assert database.count("runs") == 3
        assert gateway.books == [(order.id, order.cents)]
        assert database.count("charges") == database.count("papers") == 1

    def test_what_happens_is_printed(
        self, shop: App, gateway: Gateway, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for answer in ("quick", "refused"):
            place(
                replace(order_that_is(answer, gateway), customer="Ann", city="Oban", items="1 x A")
            )
        good, bad = order_that_is("quick", gateway), order_that_is("refused", gateway)

        drain(shop)

        assert sorted(capsys.readouterr().out.splitlines()) == [
            f"charge-{good.id}  {euros(good.cents)} from Ann, receipt r-0001",
            f"charge-{bad.id}  failed: PaymentRefused: 503 Service Unavailable",
            f"pack-{good.id}    papers for Oban: 1 x A",
        ]

    def test_all_orders_come_through_when_failures_are_retried(
        self, shop: App, gateway: Gateway
    ) -> None:
        for order in ORDERS:
            place(order)

        counts = drain(shop)
        while failures := list(find(shop.monitor, Filter())):
            retry(shop.control, failures)
            counts += drain(shop)

        assert counts["done"] == 2 * len(ORDERS)
        assert counts["failed"] == gateway.answers["refused"] + gateway.answers["cut off"] > 3
        assert gateway.answers["slow"] > 3
        assert list(what_is_wrong(shop, gateway, ORDERS)) == []


def test_what_is_wrong_is_found(shop: App, gateway: Gateway) -> None:
    first, second = ORDERS[:2]
    gateway.books += [(first.id, first.cents), (first.id, 1)]
    database.add_charge(first.id, "r-1")

    assert list(what_is_wrong(shop, gateway, [first, second])) == [
        f"order {first.id}: expected one charge of {first.cents} cents, got [{first.cents}, 1]",
        f"order {first.id}: its papers are missing",
        f"order {second.id}: expected one charge of {second.cents} cents, got []",
        f"order {second.id}: its charge is missing in the shop's database",
        f"order {second.id}: its papers are missing",
        "expected 4 jobs done, got 0",
    ]
