"""``holder``: which job keeps another one from being enqueued."""

import asyncio
from typing import Any

import pytest

from buoy import App, ConfigurationError, Job, job
from buoy.testing import drain
from buoy_loner import Loner, aholder, holder

from .shop import Both, Charge, Other, state_and_holder


@job(plugins=[Loner()])
async def send(address: str, subject: str = "") -> None: ...


def test_holder_is_the_id_of_the_job_with_the_same_arguments(buoy_app: App) -> None:
    assert holder(Charge, 42) is None

    first = Charge.enqueue(42, "hurry")

    assert holder(Charge, 42, "hurry") == holder(Charge, note="hurry", purchase_id=42)
    assert holder(Charge, 42, "hurry") == first.id
    assert holder(Charge, 42) is None
    drain(buoy_app)
    assert holder(Charge, 42, "hurry") is None


def test_a_coroutine_asks_as_a_program_that_blocks(buoy_app: App) -> None:
    first = Both.enqueue(1, 2025)

    async def program() -> list[str | None]:
        found = [await aholder(Both, 1, 1999), await aholder(Both, 2, 2025)]
        await buoy_app.aclose()
        return found

    assert asyncio.run(program()) == [first.id, None]


def test_holder_accepts_a_function_that_is_a_job(buoy_app: App) -> None:
    first = send.enqueue("ann@example.com", subject="hi")

    assert holder(send, "ann@example.com", "hi") == first.id


def test_holder_of_a_class_with_two_loners_is_the_holder_of_either_claim(buoy_app: App) -> None:
    first = Both.enqueue(1, 2025)

    assert holder(Both, 1, 2025) == first.id
    assert holder(Both, 1, 1999) == first.id
    assert holder(Both, 2, 2025) is None
    assert state_and_holder(Both.enqueue(1, 1999)) == ("exists", first.id)


def test_holder_checks_arguments_as_enqueue_does(buoy_app: App) -> None:
    ask: Any = holder
    with pytest.raises(TypeError) as raised:
        ask(Charge, 42, unknown=1)

    assert str(raised.value) == (
        f"{Charge.name}: expected arguments for perform(purchase_id: int, note: str = '') "
        "-> None, but got an unexpected keyword argument 'unknown'"
    )


def test_holder_refuses_a_class_without_loner(buoy_app: App) -> None:
    class Plain(Job):
        plugins = [Other()]

        def perform(self) -> None: ...

    with pytest.raises(ConfigurationError) as raised:
        holder(Plain)

    assert str(raised.value) == (
        f"{Plain.name}: expected Loner among the plugins of its class, got none"
    )
