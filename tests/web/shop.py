"""A day of a shop, so that pages have much to show: jobs in every state, failures, workers."""

from __future__ import annotations

import math
import random
import time
from contextvars import copy_context
from datetime import timedelta
from unittest.mock import patch

from buoy import App, Job
from buoy.executor.in_process import run_isolated
from buoy.jobs.run import run
from buoy.model.reservation import Reservation, RoundTripRequest, Settlement
from buoy.worker.registration import WorkerRegistration
from buoy_history import History
from buoy_loner import Loner
from buoy_retry import Retry
from buoy_scheduler import set_schedule

CUSTOMERS = ("Ada Lovelace", "Grace Hopper", "Edsger Dijkstra", "Barbara Liskov", "Donald Knuth")
CARRIERS = ("DHL", "UPS", "Colissimo", "Royal Mail")


class GatewayTimeout(Exception):
    """The gateway has not answered in time."""

    __module__ = "shop.payment"


class CardDeclined(Exception):
    """The bank does not pay."""

    __module__ = "shop.payment"


class ShopJob(Job):
    """``luck`` decides how a run ends; it is no argument, so that pages look as in real life."""

    plugins = [Retry(limit=4, delay=[20, 60, 180]), History(result=True)]
    luck = random.Random(4)


class ChargePurchase(ShopJob):
    name = "shop.orders.ChargePurchase"
    queue = "purchasing"
    plugins = [Loner()]
    tags = ("money",)

    def perform(self, order: int, *, cents: int = 0) -> str:
        if self.luck.random() < 0.03:
            raise GatewayTimeout("no answer from payments.example within 10 s")
        if order % 97 == 0:
            raise CardDeclined(f"order {order}: declined by the bank (51, insufficient funds)")
        return f"R-{order}"


class PackPurchase(ShopJob):
    name = "shop.orders.PackPurchase"
    queue = "packing"

    def perform(self, order: int, carrier: str) -> None:
        if order % 61 == 0:
            raise KeyError("weight")


class OrderMailer(ShopJob):
    name = "shop.mails.OrderMailer.confirmation"
    queue = "mail"

    def perform(self, order: int, *, to: str) -> None:
        if self.luck.random() < 0.02:
            raise ConnectionResetError(104, "Connection reset by peer")


class StockReport(ShopJob):
    name = "shop.reports.StockReport"
    queue = "reports"

    def perform(self, day: str) -> None:
        pass


class Thumbnail(ShopJob):
    name = "shop.images.Thumbnail"
    queue = "images"
    plugins = [Retry(limit=1)]

    def perform(self, path: str, width: int) -> None:
        if self.luck.random() < 0.01:
            raise MemoryError(f"cannot decode {path}")


SECONDS: dict[type[Job], float] = {
    ChargePurchase: 0.42,
    PackPurchase: 0.08,
    OrderMailer: 0.19,
    StockReport: 6.5,
}
"""How long a run takes, about."""
WAITED: dict[type[Job], float] = {StockReport: 9.0}


class Shop:
    """Fills an app with what has happened in ``hours``, up to now."""

    def __init__(self, app: App, busy: int = 9) -> None:
        self.app, self.busy, self.random = app, busy, random.Random(11)
        self.orders, self.trips = 4000, 0

    def live(self, hours: float) -> None:
        """Let this time pass: dense in the last hour, in steps of five minutes before."""
        end, now = time.time(), time.time
        broker = self.app.broker
        with patch("time.time", lambda: now() + broker.clock_offset_ms / 1000):
            for before in [*range(int(hours * 3600), 3600, -300), *range(3600, 0, -60)]:
                broker.clock_offset_ms = -before * 1000
                self.order(self.demand(end - before, 300 if before > 3600 else 60))
                self.work()
        broker.clock_offset_ms = 0
        for queue in self.app.monitor.queue_names():
            broker.advance_queue("shop", RoundTripRequest(queue, 0))

    def demand(self, at: float, step: int) -> int:
        """Returns how many orders come in a step: more by day, and a wave each quarter hour."""
        hour = time.gmtime(at).tm_hour
        level = 0.4 + 0.6 * (1 - abs(hour - 14) / 14)
        wave = 1.6 if at % 900 < 120 else 1.0
        return max(
            1, round(self.busy * level * wave * self.random.uniform(0.7, 1.3) * math.sqrt(step) / 8)
        )

    def order(self, count: int) -> None:
        orders = range(self.orders, self.orders + count)
        self.orders += count
        for order in orders:
            self.place(order)
        if self.orders % 3 == 0:
            StockReport.enqueue(time.strftime("%Y-%m-%d"))

    def place(self, order: int) -> None:
        customer = CUSTOMERS[order % len(CUSTOMERS)]
        ChargePurchase.enqueue(order, cents=199 * (order % 83 + 1))
        PackPurchase.enqueue(order, CARRIERS[order % len(CARRIERS)])
        OrderMailer.enqueue(order, to=f"{customer.lower().replace(' ', '.')}@example.org")
        if order % 2:
            Thumbnail.enqueue(f"s3://shop-images/{order:06}.jpg", 320)

    def work(self) -> None:
        """Run all jobs that are due."""
        for queue in self.app.monitor.queue_names():
            for held in self.take(queue, 500):
                self.settle(held)

    def take(self, queue: str, wanted: int, worker: str = "shop") -> list[Reservation]:
        self.trips += 1
        request = RoundTripRequest(queue, self.trips, wanted=wanted, in_flight=1000)
        return list(self.app.broker.advance_queue(worker, request).reservations)

    def settle(self, held: Reservation) -> None:
        """Run a job and settle it, as though it had waited and run for a while."""
        settlement: Settlement = run_isolated(copy_context(), run, held, self.app._hooks)
        kind: type[Job] = next((k for k in SECONDS if k.name == settlement.name), Thumbnail)
        took = SECONDS.get(kind, 1.3) * self.random.lognormvariate(0, 0.5)
        waited = WAITED.get(kind, 0.05) * self.random.lognormvariate(0, 0.8)
        # Nobody shall see where these tests lie.
        payload = settlement.payload.replace(__file__, "/srv/shop/orders.py")
        settlement = settlement._replace(seconds=took, waited=waited, payload=payload)
        request = RoundTripRequest(held.queue, 0, settlements=[settlement])
        self.app.broker.advance_queue("shop", request)

    def start_workers(self, count: int) -> list[WorkerRegistration]:
        """Workers that are busy: each holds jobs. Their entries last a day."""
        return [self.start_worker(number) for number in range(count)]

    def start_worker(self, number: int) -> WorkerRegistration:
        id = f"web-{number // 2 + 1}-{4000 + number * 37}-{number * 7919 % 4096:06x}"
        queues = "purchasing,packing,mail" if number % 3 else "mail,images,reports"
        registered = WorkerRegistration(
            self.app.broker, id, queues=queues, executor=("fork", "thread", "async")[number % 3],
            slots=4, state=lambda: "paused" if number == 3 else "running",
        )  # fmt: skip
        registered.started_at -= 3600 * (number + 1)
        registered.publish()
        self.app.command("PEXPIRE", self.app.broker.keys.worker(id), 86_400_000)
        for queue in queues.split(",")[: number % 4]:
            self.take(queue, 1, id)
        return registered


def fill(app: App, hours: float = 26.0, workers: int = 6, busy: int = 9, waiting: int = 14) -> Shop:
    """Fill an app, whose Redis is empty, with a day of the shop, and what goes on now."""
    shop = Shop(app, busy)
    shop.live(hours)
    shop.order(waiting)
    shop.start_workers(workers)
    ChargePurchase.using(delay=3600).enqueue(9001, cents=129_900)
    OrderMailer.using(delay=timedelta(days=3)).enqueue(4711, to="grace.hopper@example.org")
    StockReport.using(queue="exports").enqueue("2026-11")  # no worker serves it
    app.control.pause("images")
    set_schedules()
    return shop


def set_schedules() -> None:
    about = "What is in stock, by mail to the warehouse"
    set_schedule("stock report", StockReport, cron="0 6 * * *", args=["all"], description=about)
    set_schedule("thumbnails", Thumbnail, every="15m", args=["s3://shop-images/new", 320])
    set_schedule("month end", StockReport, cron="30 22 L * *", tz="Europe/Berlin", args=["month"])


def many(app: App) -> None:
    """Fill an app with much: long lists, many queues, many groups of failures."""
    fill(app, hours=3.0, workers=14)
    ChargePurchase.enqueue_many([(order,) for order in range(20_000, 22_500)])
    for number in range(30):
        PackPurchase.using(queue=f"tenant-{number:02}").enqueue(number + 1, "DHL")
    for number in range(120):
        OrderMailer.using(delay=60 * (number + 1)).enqueue(number, to="ada@example.org")
