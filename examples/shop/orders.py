"""Orders, as the shop gets them: lines of a CSV file."""

import csv
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Order:
    """What one customer has bought; money is in cents."""

    id: int
    customer: str
    email: str
    city: str
    items: str
    cents: int


def read_orders(path: Path) -> list[Order]:
    """The orders of a file with columns id, customer, email, city, items, amount."""
    with path.open(newline="", encoding="utf-8") as file:
        return [order_of(row) for row in csv.DictReader(file)]


def order_of(row: dict[str, str]) -> Order:
    cents = int(Decimal(row["amount"]) * 100)
    return Order(int(row["id"]), row["customer"], row["email"], row["city"], row["items"], cents)


def euros(cents: int) -> str:
    """Money as people read it."""
    return f"{cents / 100:,.2f} EUR"
