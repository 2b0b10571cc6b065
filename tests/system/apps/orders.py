"""Jobs that need the row which they were made for."""

import os
import sqlite3
from contextlib import closing

from buoy import Job
from buoy_aftercommit import AfterCommit

from .record import note

DATABASE = "BUOY_TEST_ORDERS"


class PackAtOnce(Job):
    """Looks for its order, and says whether it was there."""

    queue = "orders"

    def perform(self, order_id: int) -> None:
        with closing(sqlite3.connect(os.environ[DATABASE], timeout=120)) as database:
            query = "select count(*) from orders where id = ?"
            [(found,)] = database.execute(query, [order_id]).fetchall()
        note("found" if found else "missing", str(order_id))


class Pack(PackAtOnce):
    """The same, when the order is there."""

    plugins = [AfterCommit()]
