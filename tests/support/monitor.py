"""All that a Redis server is sent."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import redis

from buoy import App
from tests.support.processes import WITHIN

END = "THE END"


@contextmanager
def watched(app: App) -> Iterator[Callable[[], str]]:
    """Yields what returns all that Redis was sent since the beginning of the block."""
    client = redis.Redis.from_url(app.settings.url)
    lines: list[str] = []
    with client.monitor() as monitor:
        thread = threading.Thread(target=listen, args=(monitor, lines))
        thread.start()

        def text() -> str:
            client.echo(END)
            thread.join(WITHIN)
            return "\n".join(lines)

        try:
            yield text
        finally:
            client.echo(END)
            thread.join(WITHIN)


def listen(monitor: Any, lines: list[str]) -> None:
    for command in monitor.listen():
        lines.append(command["command"])
        if END in command["command"]:
            return
