"""The shop's books: SQLAlchemy over SQLite. The variable SHOP_DATABASE names the file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from typing import Any

from sqlalchemy import (
    URL,
    Column,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    NullPool,
    String,
    Table,
    create_engine,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.orm import Session

from .orders import Order

books = MetaData()
orders = Table(
    "orders",
    books,
    Column("id", Integer, primary_key=True),
    Column("customer", String),
    Column("email", String),
    Column("city", String),
    Column("items", String),
    Column("cents", Integer),
)


def order_column() -> Column[int]:
    """That an order is charged and packed once is a rule of the tables, not a hope of the jobs."""
    return Column("order_id", ForeignKey(orders.c.id), primary_key=True)


charges = Table("charges", books, order_column(), Column("receipt", String))
papers = Table("papers", books, order_column(), Column("text", String))
runs = Table("runs", books, *[Column(name, String) for name in ("job_id", "token", "error")])


@cache
def engine(file: str) -> Engine:
    """No pool: a connection of SQLite does not survive the fork of a job's process."""
    url = URL.create("sqlite", database=file)
    return create_engine(url, poolclass=NullPool, connect_args={"timeout": 10.0})


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


def add(session: Session, table: Table, **values: Any) -> None:
    """Write a row, unless it is there."""
    session.execute(insert(table).prefix_with("OR IGNORE").values(values))


def add_order(session: Session, order: Order) -> None:
    """Write an order down, once."""
    add(session, orders, **asdict(order))


def order(order_id: int) -> Order:
    """An order that was written down."""
    with transaction() as session:
        return Order(*session.execute(select(orders).where(orders.c.id == order_id)).one())


def add_run(job_id: str, token: str) -> None:
    """Note that a job was begun: as often as it happens."""
    with transaction() as session:
        session.execute(insert(runs).values(job_id=job_id, token=token))


def add_error(token: str, error: str) -> None:
    """Note how a run has failed."""
    with transaction() as session:
        session.execute(update(runs).where(runs.c.token == token).values(error=error))


def column(of: Column[Any]) -> list[Any]:
    """What is in a column, where there is anything."""
    with transaction() as session:
        return list(session.scalars(select(of).where(of.is_not(None))))


def count(table: Table) -> int:
    """How many rows a table has."""
    with transaction() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0
