"""The jobs of these tests."""

from buoy import Job
from buoy_history import History
from buoy_retry import Constant, Retry


class Charge(Job):
    queue = "purchasing"
    tags = ["money"]
    plugins = [History(result=True)]

    def perform(self, number: int, note: str = "") -> object:
        if number < 0:
            raise ValueError(f"no purchase {number}")
        return {"charged": number}


class Expiring(Job):
    queue = "purchasing"
    expires = 10
    plugins = [History()]

    def perform(self) -> None: ...


class Stubborn(Job):
    queue = "purchasing"
    plugins = [History(), Retry(1, Constant(100))]

    def perform(self) -> None:
        raise TimeoutError("too slow")
