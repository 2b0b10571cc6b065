"""buoy.testing.plugin_contract: what it lets pass, and what it finds."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from buoy import App, Handle, Job, Later, Plugin, PluginError, RunInfo, hookimpl
from buoy.testing import plugin_contract


@dataclass(frozen=True)
class Good(Plugin):
    times: int = 3

    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        job.transition.claim(f"good:{job.identifier}")

    @hookimpl(wrapper=True)
    def around_perform(self, job: Job) -> Iterator[None]:
        job.app.command("GET", job.app.key(job.queue, "good"))
        job.transition.then("INCR", job.app.key(job.queue, "good"))
        return (yield)

    @hookimpl
    def on_failure(self, job: Job, error: BaseException) -> Later | None:
        return Later(1) if job.attempt < self.times else None


@dataclass
class Changeable(Plugin):
    times: int = 3
    __hash__ = object.__hash__


class Plain(Plugin):
    """No dataclass, and no value: hashable as all objects are, and can be changed."""

    def __init__(self) -> None:
        self.times = 3


@dataclass(frozen=True)
class Unhashable(Plugin):
    on: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Misspelt(Plugin):
    @hookimpl
    def on_fail(self, job: Job) -> None: ...


@dataclass(frozen=True)
class Unmarked(Plugin):
    def on_failure(self, job: Job, error: BaseException) -> None: ...


@dataclass(frozen=True)
class Writing(Plugin):
    @hookimpl(wrapper=True)
    def around_perform(self, job: Job) -> Iterator[None]:
        job.app.command("INCR", job.app.key(job.queue, "writing"))
        return (yield)


@dataclass(frozen=True)
class Greedy(Plugin):
    """Its hook hides the errors of all inside it, so that they see no failure."""

    @hookimpl(tryfirst=True)
    def around_perform(self, job: Job) -> str:
        if getattr(job._declared[0], "log", None) is not None:
            raise ValueError("not behind another")
        return "done without perform"


@dataclass(frozen=True)
class Telling(Plugin):
    """Writes when a run has ended, beside its transition."""

    @hookimpl
    def after_run(self, job: Job, run: RunInfo) -> None:
        job.app.command("INCR", job.app.key(run.queue, "telling"))


@dataclass(frozen=True)
class Raising(Plugin):
    @hookimpl
    def after_enqueue(self, handle: Handle[Any]) -> None:
        raise KeyError(handle.state)


@dataclass(frozen=True)
class UnmarkedExit(Plugin):
    def before_exit(self) -> None: ...


def test_a_plugin_that_keeps_to_the_contract_passes(buoy_app: App) -> None:
    plugin_contract(Good())


@pytest.mark.parametrize(
    ("plugin", "message"),
    [
        (Changeable(), "expected an immutable value, but 'times' can be set"),
        (Plain(), "expected an immutable value, but 'times' can be set"),
        (Unhashable(), "expected a hashable value, got: unhashable type: 'list'"),
        (Telling(), "expected no writes beside a transition, got incr"),
        (Raising(), "hook after_enqueue of Raising() failed: KeyError: 'queued' id="),
        (UnmarkedExit(), "expected @hookimpl on before_exit, got a plain method"),
        (Unmarked(), "expected @hookimpl on on_failure, got a plain method, which is never called"),
        (Writing(), "expected no writes beside a transition, got incr; attach them"),
        (Greedy(), "expected the same outcome before and behind a neighbour"),
    ],
)
def test_a_breach_of_the_plugin_contract_is_named(
    buoy_app: App, plugin: Plugin, message: str
) -> None:
    with pytest.raises(AssertionError, match=re.escape(message)):
        plugin_contract(plugin)


def test_an_unknown_hook_is_named(buoy_app: App) -> None:
    with pytest.raises(PluginError, match="on_fail"):
        plugin_contract(Misspelt())
