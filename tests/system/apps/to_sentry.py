"""Jobs of an app whose errors go to Sentry: SENTRY_DSN says where. SENTRY_OPTIONS are options of
the plugin, as JSON."""

import asyncio
import json
import os
import signal

import sentry_sdk

from buoy import App, Job
from buoy_retry import Constant, Retry
from buoy_scheduler import Cron
from buoy_sentry import Sentry

from .patience import FLUSH_SECONDS
from .record import note, wait_for

if "SENTRY_DSN" in os.environ:  # in a worker, not in the process of the tests
    sentry_sdk.init(
        traces_sample_rate=float(os.environ["SENTRY_TRACES"]) or None,
        auto_enabling_integrations=False,  # they take longer to load than all else here
    )
    if "SENTRY_NOWHERE" not in os.environ:
        given = json.loads(os.environ.get("SENTRY_OPTIONS", "{}"))
        Job.app = App(plugins=[Sentry(**{"flush_seconds": FLUSH_SECONDS} | given)])
    if "SENTRY_EARLY" in os.environ:
        sentry_sdk.capture_message("the app is loaded")


class CardDeclined(Exception):
    """The bank says no."""


def ask_bank(word: str) -> None:
    raise CardDeclined(f"declined: {word}")


class Charge(Job):
    tags = ["shop"]

    def perform(self, word: str) -> None:
        sentry_sdk.add_breadcrumb(message=f"charging {word}")
        ask_bank(word)


class ChargeSoon(Job):
    async def perform(self, word: str) -> None:
        sentry_sdk.add_breadcrumb(message=f"charging {word}")
        await asyncio.sleep(0.01)
        ask_bank(word)


class Pay(Job):
    def perform(self, word: str) -> None:
        note("ran", word)


class PayOften(Job):
    plugins = [Retry(1, Constant(0))]

    def perform(self, word: str) -> None:
        ask_bank(word)


class Die(Job):
    def perform(self, word: str) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class Report(Job):
    plugins = [Cron("0 8 * * *")]

    def perform(self) -> None:
        if "REPORT_DIES" in os.environ:
            os.kill(os.getpid(), signal.SIGKILL)


class Wait(Job):
    def perform(self, word: str, gate: str) -> None:
        note("began", word)
        wait_for(gate)


class WaitSoon(Job):
    async def perform(self, word: str, gate: str) -> None:
        note("began", word)
        await asyncio.sleep(60)


class ByClass(Job):
    """The plugin is on the class alone."""

    plugins = [Sentry(arguments=True)]

    def perform(self, word: str) -> None:
        sentry_sdk.capture_message(f"asking for {word}")
        ask_bank(word)
