"""Jobs whose arguments are encrypted, and whose file says what they got."""

import os
import signal
import sys

from buoy import Job
from buoy_retry import Constant, Retry
from buoy_sealed import Sealed
from buoy_status import Status


class Secret(Job):
    plugins = [Retry(1, Constant(0)), Status(), Sealed()]

    def perform(self, secret: str, how: str = "well") -> str:
        if how == "fail":
            raise ValueError(secret)
        if how == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        has_ciphers = "cryptography" in sys.modules
        return f"{secret} {has_ciphers}"


class AsyncSecret(Job):
    plugins = Secret.plugins

    async def perform(self, secret: str, how: str = "well") -> str:
        if how == "fail":
            raise ValueError(secret)
        return f"{secret} True"
