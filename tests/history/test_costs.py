"""What the plugin costs: no round trip more, and nothing to load before it is needed."""

import subprocess
import sys

import pytest

from buoy import App, Job
from buoy.embedded.server import Server
from buoy.testing import drain
from buoy_history import History
from tests.support.proxy import Proxy


class Plain(Job):
    def perform(self, number: int) -> None: ...


class Remembered(Job):
    plugins = [History(result=True)]

    def perform(self, number: int) -> int:
        return number


def test_an_end_is_remembered_in_no_command_more(
    buoy_server: Server, buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Proxy(buoy_server.url) as proxy:
        app = App(proxy.url)
        monkeypatch.setattr(Job, "app", app)

        def sent(job: type[Plain] | type[Remembered]) -> list[str]:
            proxy.commands.clear()
            job.enqueue_many([(n,) for n in range(20)])
            drain(app, "default")
            return list(proxy.commands)

        for job in (Plain, Remembered):
            sent(job)  # the server learns the scripts, and the client what it has

        assert sent(Remembered) == sent(Plain)
        assert buoy_app.command("XLEN", app.key("default", "history", "of", Remembered.name)) == 40
        app.broker.client.close()


LEAN = """
import sys
from buoy import Job
from buoy_history import History

class Charge(Job):
    plugins = [History()]

    def perform(self, n: int) -> None: ...

heavy = ["asyncio", "click", "email", "hashlib", "logging", "random", "redis", "tempfile"]
print([name for name in [*heavy, "socket", "threading"] if name in sys.modules])
"""


def test_declaring_the_plugin_loads_nothing_that_each_forked_child_pays_for() -> None:
    command = [sys.executable, "-c", LEAN]

    assert subprocess.check_output(command, text=True, timeout=120) == "[]\n"
