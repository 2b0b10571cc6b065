"""The jobs of the shop."""

import os

from asgiref.sync import sync_to_async
from django.db import connection

import buoy
from buoy import Job

from .models import Order

if os.environ.get("SHOP_EARLY"):
    connection.ensure_connection()


class Pack(Job):
    """Packs an order."""

    queue = "packing"

    def perform(self, order_id: int) -> None:
        """Note who packs it."""
        Order.objects.filter(id=order_id).update(packed_by=f"{self.id} {os.getpid()}")


def say() -> None:
    """Prints whether there is a connection when a job begins."""
    print("begins with a connection:", connection.connection is not None, flush=True)  # noqa: T201
    connection.ensure_connection()


@buoy.job(queue="packing")
def look() -> None:
    """Says it of its own thread."""
    say()


@buoy.job(queue="packing")
async def alook() -> None:
    """Says it of the thread of Django's asynchronous methods."""
    await sync_to_async(say)()


@buoy.job(queue="packing")
async def apack(order_id: int) -> None:
    """Packs an order with Django's asynchronous methods."""
    await Order.objects.filter(id=order_id).aupdate(packed_by="async")


@buoy.job(queue="packing")
def fails(word: str) -> None:
    """Fails."""
    raise ValueError(word)
