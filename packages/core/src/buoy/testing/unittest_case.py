"""``buoy.testing`` for unittest, and for what is built on it, such as Django's tests."""

from collections.abc import Collection
from typing import ClassVar
from unittest import IsolatedAsyncioTestCase, TestCase

from ..app import App
from .clock import Clock
from .isolation import isolated_app


class BuoyTestCase(TestCase):
    """Gives each test an app on an empty private server, as ``self.app``; it is ``Job.app``.

    It also goes in front of another class: ``class OrderTest(BuoyTestCase, django.test.TestCase)``.
    A ``setUp`` of your own begins with ``super().setUp()``.
    """

    allowed_urls: ClassVar[Collection[str]] = ()
    """The beginnings of URLs that apps may use, beside the private server."""
    app: App
    clock: Clock
    """The clock of the app."""

    def setUp(self) -> None:
        super().setUp()
        self.app = self.enterContext(isolated_app(allowed_urls=self.allowed_urls))
        self.clock = Clock(self.app)
        if isinstance(self, IsolatedAsyncioTestCase):
            self.addAsyncCleanup(self.app.aclose)


class AsyncBuoyTestCase(BuoyTestCase, IsolatedAsyncioTestCase):
    """Such a test case whose tests may be ``async def``."""
