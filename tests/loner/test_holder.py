"""Who holds a place, as a program asks."""

from typing import Any

import pytest

from buoy import App, ConfigurationError, Job, job
from buoy.testing import drain
from buoy_loner import Loner, holder

from .shop import Both, Charge, Other, told


@job(plugins=[Loner()])
async def send(address: str, subject: str = "") -> None: ...


def test_it_is_the_id_of_the_job_in_whose_place_this_one_would_come(buoy_app: App) -> None:
    assert holder(Charge, 42) is None

    first = Charge.enqueue(42, "hurry")

    assert holder(Charge, 42, "hurry") == holder(Charge, note="hurry", purchase_id=42)
    assert holder(Charge, 42, "hurry") == first.id
    assert holder(Charge, 42) is None
    drain(buoy_app)
    assert holder(Charge, 42, "hurry") is None


def test_a_function_is_a_job_too(buoy_app: App) -> None:
    first = send.enqueue("ann@example.com", subject="hi")

    assert holder(send, "ann@example.com", "hi") == first.id


def test_of_two_places_either_counts(buoy_app: App) -> None:
    first = Both.enqueue(1, 2025)

    assert holder(Both, 1, 2025) == first.id
    assert holder(Both, 1, 1999) == first.id
    assert holder(Both, 2, 2025) is None
    assert told(Both.enqueue(1, 1999)) == ("exists", first.id)


def test_arguments_are_checked_as_when_enqueueing(buoy_app: App) -> None:
    ask: Any = holder
    with pytest.raises(TypeError) as raised:
        ask(Charge, 42, unknown=1)

    assert str(raised.value) == (
        f"{Charge.name}: expected arguments for perform(purchase_id: int, note: str = '') "
        "-> None, but got an unexpected keyword argument 'unknown'"
    )


def test_a_class_without_places_is_refused(buoy_app: App) -> None:
    class Plain(Job):
        plugins = [Other()]

        def perform(self) -> None: ...

    with pytest.raises(ConfigurationError) as raised:
        holder(Plain)

    assert str(raised.value) == (
        f"{Plain.name}: expected Loner among the plugins of its class, got none"
    )
