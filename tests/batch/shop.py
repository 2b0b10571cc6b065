"""Job classes in batches."""

from buoy import Job
from buoy_batch import current_batch

UNLUCKY = 13


class Row(Job):
    queue = "rows"

    def perform(self, number: int = 0) -> None:
        if number == UNLUCKY:
            raise ValueError(number)


class OtherRow(Row):
    queue = "others"


class Report(Job):
    queue = "mail"

    def perform(self, what: str) -> None:
        pass


class Splits(Job):
    """A member that adds others."""

    queue = "rows"

    def perform(self, into: int) -> None:
        current_batch().enqueue_many(Row, [(number,) for number in range(into)])
