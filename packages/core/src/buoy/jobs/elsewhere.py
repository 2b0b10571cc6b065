"""How other systems enqueue: these names say what to write here."""

from typing import Any

NAMES = ("delay", "apply_async", "send")
"""Those of Celery and dramatiq."""


class Elsewhere:
    """An attribute that other systems have; reading it tells what to write instead."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, job: Any, owner: type) -> Any:
        raise AttributeError(
            f"{owner.__qualname__}.{self.name}: expected a name of buoy; say "
            f"{owner.__qualname__}.enqueue(...), or .using(delay=60).enqueue(...) to wait first"
        )
