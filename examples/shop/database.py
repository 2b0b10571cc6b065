"""The shop's books: SQLAlchemy over SQLite. The variable SHOP_DATABASE names the file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from .orders import Order


def texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String) for name in names]


def of_an_order() -> sa.Column[int]:
    """That an order is charged and packed once is a rule of the tables, not a hope of the jobs."""
    return sa.Column("order_id", sa.ForeignKey(orders.c.id), primary_key=True)


books = sa.MetaData()
orders = sa.Table(
    "orders",
    books,
    sa.Column("id", sa.Integer, primary_key=True),
    *texts("customer", "email", "city", "items"),
    sa.Column("cents", sa.Integer),
)
charges = sa.Table("charges", books, of_an_order(), *texts("receipt"))
papers = sa.Table("papers", books, of_an_order(), *texts("text"))
runs = sa.Table("runs", books, *texts("job_id", "token", "error"))


@cache
def engine(file: str) -> sa.Engine:
    """No pool: a connection of SQLite does not survive the fork of a job's process."""
    url = sa.URL.create("sqlite", database=file)
    return sa.create_engine(url, poolclass=sa.NullPool, connect_args={"timeout": 10.0})


@contextmanager
def transaction() -> Iterator[Session]:
    """Commits at the end of the block, unless an exception leaves it."""
    with Session(engine(os.environ["SHOP_DATABASE"])) as session, session.begin():
        yield session


def create() -> None:
    """Make the tables."""
    with transaction() as session:
        session.connection().exec_driver_sql("PRAGMA journal_mode = WAL")
        books.create_all(session.connection())


def add(session: Session, table: sa.Table, **values: Any) -> None:
    """Write a row, unless it is there."""
    session.execute(sa.insert(table).prefix_with("OR IGNORE").values(values))


def add_order(session: Session, order: Order) -> None:
    """Write an order down, once."""
    add(session, orders, **asdict(order))


def order(order_id: int) -> Order:
    """An order that was written down."""
    with transaction() as session:
        return Order(*session.execute(sa.select(orders).where(orders.c.id == order_id)).one())


def add_run(job_id: str, token: str) -> None:
    """Note that a job was begun: as often as it happens."""
    with transaction() as session:
        session.execute(sa.insert(runs).values(job_id=job_id, token=token))


def add_error(token: str, error: str) -> None:
    """Note how a run has failed."""
    with transaction() as session:
        session.execute(sa.update(runs).where(runs.c.token == token).values(error=error))


def column(of: sa.Column[Any]) -> list[Any]:
    """What is in a column, where there is anything."""
    with transaction() as session:
        return list(session.scalars(sa.select(of).where(of.is_not(None))))


def count(table: sa.Table) -> int:
    """How many rows a table has."""
    with transaction() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
