"""The shop's books, in SQLite. The environment variable SHOP_DATABASE names the file."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .orders import Order

# That an order is charged and packed once is a rule of the tables, not a hope of the jobs.
SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY, customer TEXT, city TEXT, items TEXT, cents INTEGER
);
CREATE TABLE IF NOT EXISTS charges (order_id INTEGER PRIMARY KEY REFERENCES orders, receipt TEXT);
CREATE TABLE IF NOT EXISTS papers (order_id INTEGER PRIMARY KEY REFERENCES orders, text TEXT);
CREATE TABLE IF NOT EXISTS runs (job_id TEXT, token TEXT);
PRAGMA journal_mode = WAL;
"""


@contextmanager
def connection() -> Iterator[sqlite3.Connection]:
    """A connection of one's own: SQLite's do not survive the fork of a job's process."""
    opened = sqlite3.connect(os.environ["SHOP_DATABASE"], timeout=10.0, isolation_level=None)
    try:
        yield opened
    finally:
        opened.close()


def change(statement: str, *values: object) -> None:
    with connection() as database:
        database.execute(statement, values)


def rows(query: str, *values: object) -> list[Any]:
    """What a query finds."""
    with connection() as database:
        return database.execute(query, values).fetchall()


def create() -> None:
    """Make the tables."""
    with connection() as database:
        database.executescript(SCHEMA)


def add_order(order: Order) -> None:
    """Write an order down, once."""
    values = (order.id, order.customer, order.city, order.items, order.cents)
    change("INSERT OR IGNORE INTO orders VALUES (?, ?, ?, ?, ?)", *values)


def order(order_id: int) -> Order:
    """An order that was written down."""
    return Order(*rows("SELECT * FROM orders WHERE id = ?", order_id)[0])


def add_charge(order_id: int, receipt: str) -> None:
    """Note that an order is paid, once."""
    change("INSERT OR IGNORE INTO charges VALUES (?, ?)", order_id, receipt)


def add_papers(order_id: int, text: str) -> None:
    """File the packing papers of an order, once."""
    change("INSERT OR IGNORE INTO papers VALUES (?, ?)", order_id, text)


def add_run(job_id: str, token: str) -> None:
    """Note that a job was begun: as often as it happens."""
    change("INSERT INTO runs VALUES (?, ?)", job_id, token)


def count(table: str) -> int:
    """How many rows a table has."""
    return int(rows(f"SELECT count(*) FROM {table}")[0][0])
