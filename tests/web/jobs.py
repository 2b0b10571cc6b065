"""Jobs of a shop, for the pages to show."""

from buoy import Job


class Charge(Job):
    queue = "payments"

    def perform(self, order: int, card: str = "") -> None:
        if order < 0:
            raise ValueError(f"no order {order}")


class Report(Job):
    queue = "reports"

    def perform(self, month: str) -> None: ...
