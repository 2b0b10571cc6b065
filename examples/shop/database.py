"""The shop's database: SQLAlchemy with SQLite. The variable SHOP_DATABASE names the file."""

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


def order_id_column() -> sa.Column[int]:
    """A primary key: the tables, not the jobs, make sure that an order is charged once."""
    return sa.Column("order_id", sa.ForeignKey(orders.c.id), primary_key=True)


metadata = sa.MetaData()
orders = sa.Table(
    "orders",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    *texts("customer", "email", "city", "items"),
    sa.Column("cents", sa.Integer),
)
charges = sa.Table("charges", metadata, order_id_column(), *texts("receipt"))
papers = sa.Table("papers", metadata, order_id_column(), *texts("text"))
runs = sa.Table("runs", metadata, *texts("job_id", "token", "error"))


@cache
def engine(file: str) -> sa.Engine:
    """Returns an engine without a pool: a connection of SQLite must not be used after a fork."""
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
        metadata.create_all(session.connection())


def add(session: Session, table: sa.Table, **values: Any) -> None:
    """Insert a row, unless it exists."""
    session.execute(sa.insert(table).prefix_with("OR IGNORE").values(values))


def add_order(session: Session, order: Order) -> None:
    """Insert an order, unless it exists."""
    add(session, orders, **asdict(order))


def order(order_id: int) -> Order:
    """Returns the order with this id."""
    with transaction() as session:
        return Order(*session.execute(sa.select(orders).where(orders.c.id == order_id)).one())


def add_run(job_id: str, token: str) -> None:
    """Record that a run of a job has begun."""
    with transaction() as session:
        session.execute(sa.insert(runs).values(job_id=job_id, token=token))


def add_error(token: str, error: str) -> None:
    """Record the error of a run."""
    with transaction() as session:
        session.execute(sa.update(runs).where(runs.c.token == token).values(error=error))


def column(of: sa.Column[Any]) -> list[Any]:
    """Returns the values of a column that are not null."""
    with transaction() as session:
        return list(session.scalars(sa.select(of).where(of.is_not(None))))


def count(table: sa.Table) -> int:
    """Returns the number of rows."""
    with transaction() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
