"""How ``buoy worker`` makes its executor, and how it ends."""

import os
import threading
from collections.abc import Iterator
from typing import Any

import click
import pytest

from buoy.cli.worker import SLOTS, leave, make_executor
from buoy.errors import ConfigurationError
from buoy.loading.served_app import ANY
from buoy.process import system


class Ended(BaseException):
    """In place of the end of the process."""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What was called at the end of the process, in order."""
    calls: list[str] = []
    # Those that other tests have left behind, such as threads of a pool that ends.
    others = [each for each in threading.enumerate() if each is not threading.main_thread()]
    enumerate_all = threading.enumerate

    def enumerate_own() -> list[threading.Thread]:
        return [each for each in enumerate_all() if each not in others]

    monkeypatch.setattr(threading, "enumerate", enumerate_own)

    def end(code: int) -> None:
        calls.append(f"exit {code}")
        raise Ended

    monkeypatch.setattr(os, "_exit", end)
    monkeypatch.setattr(system, "kill_children", lambda: calls.append("kill children"))
    monkeypatch.setattr("logging.shutdown", lambda: calls.append("flush the log"))
    with click.Context(click.Command("buoy")) as context:
        context.call_on_close(lambda: calls.append("remove the pid file"))
        yield calls


@pytest.mark.parametrize("code", [0, 75])
def test_a_worker_without_threads_ends_as_any_program(calls: list[str], code: int) -> None:
    with pytest.raises(SystemExit) as ended:
        leave(code)

    assert ended.value.code == code
    assert calls == []


@pytest.mark.parametrize("code", [0, 75])
def test_a_worker_does_not_wait_for_threads_that_jobs_have_left(
    calls: list[str], code: int
) -> None:
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        with pytest.raises(Ended):
            leave(code)
    finally:
        over.set()
        thread.join()

    assert calls == ["remove the pid file", "flush the log", "kill children", f"exit {code}"]


@pytest.mark.parametrize("name", list(SLOTS))
def test_each_executor_has_the_name_and_the_slots_that_are_asked_for(name: str) -> None:
    executor: Any = make_executor(name, ["json"], SLOTS[name], ANY, 0)
    if name != "inline":
        executor.wake.close()

    assert (executor.name, executor.slots) == (name, SLOTS[name])
    assert executor.in_process == (name != "fork")


def test_inline_has_one_slot() -> None:
    with pytest.raises(ConfigurationError, match="expected 1 slot with --executor inline, got 2"):
        make_executor("inline", ["json"], 2, ANY, 0)
