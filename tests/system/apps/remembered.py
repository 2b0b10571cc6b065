"""Jobs whose ends are remembered: by a plugin that a deployment names."""

import os
import signal

from buoy import Job


class End(Job):
    """Ends as it is told to."""

    def perform(self, how: str) -> str:
        if how == "fail":
            raise ValueError(how)
        if how == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        return how


class AsyncEnd(Job):
    async def perform(self, how: str) -> str:
        if how == "fail":
            raise ValueError(how)
        return how
