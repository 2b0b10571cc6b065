"""Orders, read from a CSV file."""

import csv
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Order:
    """What one customer has bought. ``cents`` is the price."""

    id: int
    customer: str
    email: str
    city: str
    items: str
    cents: int


def read_orders(path: Path) -> list[Order]:
    """Returns the orders of a file: id, customer, email, city, items, amount (euros)."""
    with path.open(newline="", encoding="utf-8") as file:
        return [order_of(row) for row in csv.DictReader(file)]


def order_of(row: dict[str, str]) -> Order:
    cents = int(Decimal(row["amount"]) * 100)
    return Order(int(row["id"]), row["customer"], row["email"], row["city"], row["items"], cents)


def euros(cents: int) -> str:
    """Returns cents as text: ``1,234.05 EUR``."""
    return f"{cents / 100:,.2f} EUR"
