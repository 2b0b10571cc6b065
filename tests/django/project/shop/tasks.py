"""The tasks of the shop, as ``django.tasks`` has them."""

from typing import Any

from buoy_retry import Snooze

from .models import Order

try:
    from django.tasks import task
except ModuleNotFoundError:  # Django 5.2
    from django_tasks import task


@task
def pack(order_id: int) -> str:
    """Packs an order."""
    Order.objects.filter(id=order_id).update(packed_by="task")
    return "packed"


@task(queue_name="slow", takes_context=True)
async def apack(context: Any, order_id: int, *, note: str = "") -> dict[str, Any]:
    """Packs an order with Django's asynchronous methods."""
    await Order.objects.filter(id=order_id).aupdate(packed_by=note)
    result = context.task_result
    return {
        "id": result.id,
        "attempt": context.attempt,
        "running": result.status == "RUNNING",
    }


@task
def fail(word: str) -> None:
    """Fails."""
    raise ValueError(word)


@task(backend="patient")
def retried(word: str) -> None:
    """Fails, and is tried again."""
    raise ValueError(word)


@task(backend="patient")
def ship(order_id: int) -> str:
    """Ships an order as soon as it is packed."""
    if not Order.objects.get(id=order_id).packed_by:
        raise Snooze(3600)
    return "shipped"


@task(backend="secret")
def charge(card: str, how: str = "well") -> Any:
    """Its arguments and its result are sealed."""
    if how == "fail":
        raise ValueError(card)
    return f"charged {card}" if how == "well" else {"odd": f"{card} \ud800"}


@task
def give(what: Any, key: Any = None) -> Any:
    """Returns what JSON cannot hold, or ends."""
    if what == "exit":
        raise SystemExit(3)
    return {"function": give, "nan": float("nan")}.get(what)


@task(priority=10, takes_context=True)
def urgent(context: Any, word: str) -> int:
    """Tells its priority."""
    return int(context.task_result.task.priority)
