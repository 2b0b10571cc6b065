"""The connections of long-lived workers to a database that ends them: PostgreSQL, if installed."""

from collections.abc import Iterator

import pytest

from buoy import App
from tests.support.postgres import Postgres, programs, started
from tests.support.processes import Site, wait_until

from .test_django import start

PROGRAMS = programs()
pytestmark = pytest.mark.skipif(PROGRAMS is None, reason="PostgreSQL is not installed")


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    assert PROGRAMS is not None
    with started(PROGRAMS) as postgres:
        postgres.query("create table shop_order (id int primary key, packed_by text not null)")
        yield postgres


class Shop:
    """The project, with one order in its database."""

    def __init__(self, site: Site, postgres: Postgres) -> None:
        self.site, self.postgres = site, postgres
        self.app = App(site.server.url, namespace="shop")

    def pack(self) -> str:
        """Enqueue a job that packs the order; returns its id."""
        return self.app.push("shop.jobs.Pack", [1], queue="packing").id

    def is_packed_by(self, id: str) -> bool:
        [[who]] = self.postgres.query("select packed_by from shop_order")
        return str(who).startswith(id)

    def work(self, executor: str) -> None:
        start(self.site, "worker", "-q", "packing", "--executor", executor, "-c", "1")
        id = self.pack()
        wait_until(lambda: self.is_packed_by(id), what=lambda: self.site.workers[0].log)

    def end(self) -> None:
        self.site.workers[0].stop()


@pytest.fixture
def shop(site: Site, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setenv("SHOP_POSTGRES", postgres.folder)
    monkeypatch.setenv("SHOP_MAX_AGE", "3600")
    postgres.query("delete from shop_order")
    postgres.query("insert into shop_order values (1, '')")
    shop = Shop(site, postgres)
    yield shop
    shop.end()


@pytest.mark.parametrize("executor", ["thread", "inline"])
def test_a_connection_is_kept_and_when_the_database_ends_it_the_next_job_has_another(
    executor: str, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_HEALTH_CHECKS", "1")
    shop.work(executor)
    shop.postgres.wait_for_connections(1)

    shop.postgres.end_connections()
    id = shop.pack()

    wait_until(lambda: shop.is_packed_by(id), what=lambda: shop.site.workers[0].log)
    assert shop.app.failures.count() == 0
    shop.postgres.wait_for_connections(1)


def test_without_checks_of_its_health_one_job_fails_and_the_next_has_another(shop: Shop) -> None:
    shop.work("thread")

    shop.postgres.end_connections()
    shop.pack()
    wait_until(lambda: shop.app.failures.count() == 1)
    id = shop.pack()

    wait_until(lambda: shop.is_packed_by(id), what=lambda: shop.site.workers[0].log)
    [failed] = shop.app.failures.find()
    assert failed.failure["error"] == "django.db.utils.OperationalError"


@pytest.mark.parametrize(("executor", "age"), [("thread", "0"), ("fork", "3600")])
def test_no_connection_is_left_behind_a_job(
    executor: str, age: str, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ``fork`` none outlives the process of its job, whatever its age may be."""
    monkeypatch.setenv("SHOP_MAX_AGE", age)
    shop.work(executor)

    shop.postgres.wait_for_connections(0)
