"""Conversations with Redis, written once: some programs block while they are had, others await."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from buoy import App
from buoy.awire import AsyncLink, aconnect
from buoy.link import only

T = TypeVar("T")
Word = str | int | float


@dataclass(frozen=True, slots=True)
class Script:
    """A script of this package is to be run."""

    name: str
    keys: Sequence[str]
    words: Sequence[Word]


@dataclass(frozen=True, slots=True)
class Command:
    """A command is to be sent. One that ``blocks`` keeps its connection for a while."""

    words: Sequence[Word]
    blocks: bool = False


Steps = Generator[Script | Command, Any, T]
"""Takes the reply to each step, returns what came of them."""


def drive(app: App, steps: Steps[T]) -> T:
    """Take the steps, waiting for each."""
    reply: Any = None
    try:
        while True:
            step = steps.send(reply)
            if isinstance(step, Script):
                reply = app.script(__package__, step.name, step.keys, step.words)
            else:
                reply = app.command(*step.words)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # it is what the steps return


async def adrive(app: App, steps: Steps[T]) -> T:
    """Take the steps, awaiting each. Those that block do so on a connection of their own: the app
    has only some for all that await."""
    reply: Any = None
    own: AsyncLink | None = None
    try:
        while True:
            step = steps.send(reply)
            if isinstance(step, Script):
                reply = await app.ascript(__package__, step.name, step.keys, step.words)
            elif step.blocks:
                own = own or aconnect(app.settings.url, app.broker.link)
                reply = only(await own.calls([step.words]))
            else:
                reply = await app.acommand(*step.words)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # it is what the steps return
    finally:
        if own is not None:
            await own.close()
