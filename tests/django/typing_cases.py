"""Read by type checkers, never run: see tests/core/typing_cases.py."""

from typing import assert_type

from buoy import App, Job
from buoy_django.configuration import app_wide_plugins
from buoy_django.connections import DjangoConnections
from buoy_django.test import BuoyTestMixin


class Charge(Job):
    def perform(self, number: int) -> None: ...


def plugins() -> None:
    App(plugins=app_wide_plugins())
    App(plugins=[DjangoConnections()])
    DjangoConnections(1)  # type: ignore[call-arg]
    app_wide_plugins("default")  # type: ignore[call-arg]


def testing(case: BuoyTestMixin) -> None:
    assert_type(case.buoy_app, App)
    assert_type(case.drain("packing", raise_errors=True)["done"], int)
    case.assert_enqueued(Charge, 1, queue="packing")
    case.assert_enqueued("Charge")  # type: ignore[arg-type]
    case.drain(1)  # type: ignore[arg-type]
    with case.inline():
        Charge.enqueue(1)
