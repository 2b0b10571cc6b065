"""Jobs that are run again when they have failed, in each way in which a run can fail."""

import os
import signal
import time

from buoy import Job
from buoy_retry import Retry, Snooze, history

from .jobs import worker_of
from .record import note, wait_for

DELAY = float(os.environ.get("BUOY_TEST_DELAY", "0.3"))


def alarm(job: Job, error: BaseException) -> None:
    note("given up", type(error).__name__)


class Retried(Job):
    """Fails in its own way as often as it is told, then goes well."""

    plugins = [Retry(limit=2, delay=DELAY, on_give_up=alarm)]

    def perform(self, failures: int) -> None:
        note("began", str(self.attempt))
        for each in history(self)[-1:]:
            note("had failed", f"{each.error}: {each.message}; again after {each.wait} s")
        if self.attempt <= failures:
            self.fail()
        note("ran", str(self.attempt))

    def fail(self) -> None:
        raise ConnectionError("refused")


class Killed(Retried):
    def fail(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class KillsItsWorker(Retried):
    def fail(self) -> None:
        os.kill(worker_of(os.getpid()), signal.SIGKILL)
        time.sleep(60)


class Leaves(Retried):
    def fail(self) -> None:
        os._exit(3)


class Late(Retried):
    timeout = 3.0
    """Enough for its last run to begin and end on a busy machine."""

    def fail(self) -> None:
        wait_for("never")


class Fat(Retried):
    max_memory = 96 << 20

    def fail(self) -> None:
        hoard = bytearray(256 << 20)
        wait_for("never")
        del hoard


class Patient(Job):
    plugins = [Retry(limit=0, on_give_up=alarm)]

    def perform(self) -> None:
        note("began")
        wait_for("gate")
        note("ran")


class PutsItselfOff(Job):
    plugins = [Retry(limit=0)]

    def perform(self) -> None:
        note("began", "again" if self.plugin_data else "first")
        if not self.plugin_data:
            raise Snooze(DELAY)


class AlarmIsDeadly(Job):
    """Its alarm kills its own process."""

    plugins = [Retry(limit=0, on_give_up=lambda job, error: os.kill(os.getpid(), signal.SIGKILL))]

    def perform(self) -> None:
        raise ValueError("the job's own error")
