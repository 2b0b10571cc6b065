"""Jobs whose arguments are encrypted, and whose file says what they got."""

import os
import signal
import sys
import time

from buoy import Job
from buoy_retry import Constant, Retry
from buoy_sealed import Sealed
from buoy_status import Status
from buoy_steps import Steps, each

from .record import RECORD, note, wait_for


class Secret(Job):
    plugins = [Retry(1, Constant(0)), Status(), Sealed()]

    def perform(self, secret: str, how: str = "well") -> str:
        if how == "fail":
            raise ValueError(secret)
        if how == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        has_ciphers = "cryptography" in sys.modules
        return f"{secret} {has_ciphers}"


class Paged(Job):
    """Its cursors hold the secret. Its first run is killed when Redis knows one."""

    plugins = [Steps(every=0.1), Sealed()]

    def perform(self, secret: str) -> None:
        def rows(after: str | None) -> list[str]:
            return [f"{secret} {row}" for row in range(3) if after is None or row > int(after[-1])]

        for row in each(rows, cursor=lambda row: row):
            note("row", row[-1])
            if row[-1] == "1" and self.plugin_data.get("steps"):
                note("known", str(self.plugin_data["steps"]["cursor"]))
            if row[-1] == "1" and not (RECORD.parent / "killed").exists():
                (RECORD.parent / "killed").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            if row[-1] == "2":
                wait_for("end")
            time.sleep(0.2)  # so that each cursor is due


class AsyncSecret(Job):
    plugins = Secret.plugins

    async def perform(self, secret: str, how: str = "well") -> str:
        if how == "fail":
            raise ValueError(secret)
        return f"{secret} True"
