"""Read by type checkers, never run; see test_typing.py and that of the core."""

from typing import assert_type

from buoy import App, Job
from buoy_sentry import Sentry

app = App(plugins=[Sentry(retried=True, arguments=True, traces=False, monitors=True)])


class Charge(Job):
    plugins = [Sentry(flush_seconds=1)]

    def perform(self, amount: int) -> None: ...


assert_type(Sentry().flush_seconds, float)
Sentry(retried=1)  # type: ignore[arg-type]
Sentry(arguments="yes")  # type: ignore[arg-type]
Sentry(flush_seconds="2")  # type: ignore[arg-type]
Sentry(dsn="https://")  # type: ignore[call-arg]
Sentry().retried = True  # type: ignore[misc]
