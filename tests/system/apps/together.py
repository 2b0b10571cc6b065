"""A job with Retry, Loner and Status, which is killed before it can end."""

from buoy import Job
from buoy.errors import WorkerLost
from buoy_loner import Loner
from buoy_retry import Retry
from buoy_status import Status

from .record import note, wait_for


def alarm(job: Job, error: BaseException) -> None:
    note("given up", job.id)


class Pay(Job):
    queue = "payments"
    plugins = [Retry(limit=1, delay=60, on_give_up=alarm), Loner(), Status()]

    def perform(self) -> None:
        note("began", self.id)
        wait_for("never")


class Wary(Pay):
    plugins = [Retry(limit=1, delay=60, never=WorkerLost, on_give_up=alarm)]
