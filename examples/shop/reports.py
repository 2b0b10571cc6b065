"""The shop's recurring reports: buoy scheduler -a shop.reports"""

from buoy import Job
from buoy_scheduler import Cron

from . import database
from .journal import say


class StockReport(Job):
    """Prints every two seconds how many orders are charged and packed."""

    queue = "reports"
    plugins = [Cron(every="2s")]

    def perform(self) -> None:
        charged, packed = map(database.count, (database.charges, database.papers))
        say(self, f"{charged} orders are charged, {packed} packed")
