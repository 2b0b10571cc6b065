"""``drain``: what a test sees of jobs that fail."""

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from buoy import App, Job, Later, Plugin, UnknownJob, hookimpl
from buoy.testing import drain
from tests.docs.blocks import shell

ran: list[str] = []
pytestmark = pytest.mark.usefixtures("buoy_registry")


class Purchase(Job):
    def perform(self, word: str = "") -> None:
        ran.append(word)
        if word == "broke":
            try:
                charge()
            except KeyError as error:
                raise ValueError("no money") from error
        if word == "unstorable":
            self.transition.commands = 5  # type: ignore[assignment]


def charge() -> None:
    raise KeyError("card")


class Again(Plugin):
    @hookimpl
    def on_failure(self, job: Job) -> Later:
        return Later(60, count=job.payload.args != ["snooze"])


class Retried(Job):
    plugins = (Again(),)

    def perform(self, word: str) -> None:
        raise TimeoutError(word)


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    ran.clear()


def raised_by(act: Callable[[], object], kind: type[BaseException]) -> BaseException:
    with pytest.raises(kind) as caught:
        act()
    return caught.value


def test_without_raise_errors_it_counts_and_goes_on(buoy_app: App) -> None:
    Purchase.enqueue("broke")
    Purchase.enqueue("fine")

    assert drain(buoy_app) == {"failed": 1, "done": 1}


def test_while_everything_is_paused_it_runs_nothing(buoy_app: App) -> None:
    Purchase.enqueue("fine")
    buoy_app.control.pause_all()
    assert drain(buoy_app) == {}

    buoy_app.control.resume_all()
    assert drain(buoy_app) == {"done": 1}


def test_the_error_of_the_job_is_raised_with_its_frames_and_its_cause(buoy_app: App) -> None:
    handle = Purchase.enqueue("broke")
    Purchase.enqueue("later")

    error = raised_by(lambda: drain(buoy_app, raise_errors=True), ValueError)

    frames = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    assert frames[-3:] == ["drain", "raise_error", "perform"]
    assert isinstance(error.__cause__, KeyError)
    assert error.__cause__.__traceback__ is not None
    view = buoy_app.find(handle.id)
    assert view is not None
    assert (view.state, view.failure["message"]) == ("failed", "no money")
    assert ran == ["broke"]
    assert drain(buoy_app, raise_errors=True) == {"done": 1}


def test_an_error_is_raised_though_the_job_will_be_tried_again(buoy_app: App) -> None:
    handle = Retried.enqueue("busy")

    assert str(raised_by(lambda: drain(buoy_app, raise_errors=True), TimeoutError)) == "busy"

    view = buoy_app.find(handle.id)
    assert view is not None
    assert (view.state, view.attempt) == ("delayed", 2)


def test_a_snooze_is_no_failure(buoy_app: App) -> None:
    Retried.enqueue("snooze")

    assert drain(buoy_app, raise_errors=True) == {"delayed": 1}


def test_a_job_that_cannot_be_loaded_raises_why(buoy_app: App) -> None:
    buoy_app.push("no.Such", queue="default")

    error = raised_by(lambda: drain(buoy_app, raise_errors=True), UnknownJob)

    assert "no.Such" in str(error)
    assert buoy_app.monitor.queues()[0].failed == 1


def test_data_that_cannot_be_stored_raises_why(buoy_app: App) -> None:
    Purchase.enqueue("unstorable")

    error: Any = raised_by(lambda: drain(buoy_app, raise_errors=True), Exception)

    assert "job.transition: expected what then() adds" in str(error)


SHOP = """
from buoy import Job

class Purchase(Job):
    def perform(self):
        charge()

def charge():
    raise ValueError("no money")
"""
TESTS = """
from buoy.testing import drain
from shop import Purchase

def test_counts(buoy_app):
    Purchase.enqueue()
    assert drain(buoy_app) == {"done": 1}

def test_raises(buoy_app):
    Purchase.enqueue()
    drain(buoy_app, raise_errors=True)

def test_inline(buoy_app):
    with buoy_app.inline():
        Purchase.enqueue()
"""


def test_pytest_shows_file_and_line_of_a_job_that_fails(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "test_shop.py").write_text(TESTS)

    said = shell("python -m pytest -q -p no:cacheprovider || true", tmp_path, "redis://unused")

    counts, raises, inline = said.split("\n____")[1:]
    assert f'File "{tmp_path}/shop.py", line 9, in charge' in counts
    assert [line for line in raises.splitlines() if line.endswith(": ValueError")] == [
        "shop.py:9: ValueError"
    ]
    assert "buoy/testing" not in raises.split("Captured log")[0]
    assert "shop.py:9: ValueError" in inline
