"""Reads Redis in a thread of its own, so that a scrape ends in bounded time."""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from buoy import App, BuoyError
from buoy.plugins import Log, describe_error

from .reading import Reading, read

log = Log("buoy.metrics")


class Scrape:
    """One reading that is under way, or has ended."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.reading = Reading()

    def run(self, app: App) -> None:
        """Reads; whatever goes wrong is an error of the reading."""
        started, reading = time.monotonic(), Reading()
        try:
            reading = read(app)
        except BuoyError as error:
            reading = Reading(errors=[str(error)])
        except Exception as error:  # noqa: BLE001 - the page tells that it failed
            reading = Reading(errors=[": ".join(describe_error(error))])
        finally:
            self.reading = replace(reading, seconds=time.monotonic() - started)
            self.ended.set()


class Reader:
    """Reads an app for any number of threads: those that ask at one time share one reading.

    ``timeout``: seconds after which a scrape does without, because Redis is silent. The reading
    goes on, and the next scrapes wait for it: there is never a second one beside it.
    """

    def __init__(self, get_app: Callable[[], App], timeout: float) -> None:
        self.get_app, self.timeout = get_app, timeout
        self.begin()
        self.errors = 0
        self.incomplete = False
        """Whether the last reading was incomplete."""

    def begin(self) -> None:
        """Begins to read in this process."""
        self.owner = os.getpid()
        self.lock = threading.Lock()
        self.scrape: Scrape | None = None

    def read(self) -> Reading:
        """Returns what Redis tells now; never raises BrokerError."""
        if self.owner != os.getpid():
            # A server of web pages has forked: this process has none of the threads, and perhaps
            # a lock that one of them held.
            self.begin()
        scrape = self.present_scrape()
        if scrape.ended.wait(self.timeout):
            return self.noted(scrape.reading)
        silent = f"Redis has not answered within {self.timeout:g} s"
        return self.noted(Reading(errors=[silent], seconds=self.timeout))

    def present_scrape(self) -> Scrape:
        """Returns the scrape that is under way, or begins one."""
        with self.lock:
            scrape = self.scrape
            if scrape is None or scrape.ended.is_set():
                scrape = Scrape()
                run, app = scrape.run, self.get_app()
                threading.Thread(target=run, args=[app], name="buoy scrape", daemon=True).start()
                self.scrape = scrape  # if the thread could not be started, the next one tries again
            return scrape

    def noted(self, reading: Reading) -> Reading:
        """Counts the errors of a reading, and logs the first one and the end of them."""
        with self.lock:
            self.errors += len(reading.errors)
            total, was_incomplete = self.errors, self.incomplete
            self.incomplete = not reading.is_complete
        if reading.errors and not was_incomplete:
            log.warning("%s; the metrics are incomplete", reading.errors[0])
        if was_incomplete and not reading.errors:
            log.warning("Redis is back, the metrics are complete")
        return replace(reading, all_errors=total)
