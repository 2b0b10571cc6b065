"""Apps that harm the process that loads them: jobs are settled, workers live and hear."""

import os
import signal
import time

import pytest

from tests.support.processes import EXECUTORS, Site, WorkerProcess, wait_until

from .apps.unsteady import Exits, Note, Reopens, WritesEverywhere

PATIENT = ("--grace", "600")
"""A worker ends before that unless it has heard no signal, or waits for something."""


def steady(site: Site, *options: str) -> WorkerProcess:
    worker = site.worker(*options, *PATIENT, queues="unsteady", app="unsteady")
    worker.wait_for_log("serves")
    return worker


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_worker_hears_signals_whatever_app_and_jobs_make_of_them(
    site: Site, executor: str
) -> None:
    for name in ("Rude", "Sleeps", "Sleeps"):  # which this process must not import
        site.app.push(f"tests.system.apps.rude.{name}", queue="rude")
    worker = site.worker("--executor", executor, *PATIENT, queues="rude", app="rude")
    wait_until(lambda: site.view("rude").done == 3, what=lambda: worker.log)
    worker.stop()
    assert "deaf" not in {note.event for note in site.notes}
    assert worker.log.count("imported once;") == 1
    assert worker.log.count("forks;") == (3 if executor == "fork" else 0)


def test_messages_that_make_no_sense_from_jobs_or_nursery_are_skipped(site: Site) -> None:
    site.open("talkative")
    worker = steady(site)
    for fails in (False, True):
        WritesEverywhere.using(id=f"writes {fails}").enqueue(fails)
        Reopens.using(id=f"reopens {fails}").enqueue(fails)
    Note.enqueue("after")
    site.settled("unsteady")
    assert site.view("unsteady").done == 3, worker.log
    failures = {view.id: view.failure for view in site.app.monitor.failed()}
    assert failures.keys() == {"writes True", "reopens True"}
    assert {failure["message"] for failure in failures.values()} == {"the real error"}
    assert "the nursery sent a message that makes no sense: {'foo': 1}" in worker.log
    assert not any(file.read_bytes() for file in site.folder.glob("own-*"))
    assert site.words("loaded") == [""], "one nursery is enough"
    site.open("garbled")
    Note.enqueue("behind garbage")
    site.note("ran", "behind garbage")
    site.settled("unsteady")
    assert site.words("loaded") == ["", ""]
    worker.stop()


def test_an_app_may_bury_all_children(site: Site) -> None:
    site.open("reaper")
    Exits.enqueue()
    Note.enqueue("after")
    worker = steady(site)
    site.settled("unsteady")
    assert site.words() == ["after"]
    failure = site.failure("unsteady")
    assert failure["error"] == "buoy.errors.DirtyExit"
    assert "unknown cause" in str(failure["message"]) or "exit 3" in str(failure["message"])
    assert site.words("loaded") == [""]
    worker.stop()


def test_a_nursery_that_dies_is_started_again_after_growing_pauses(site: Site) -> None:
    worker = steady(site)
    site.open("deadly")
    Note.using(id="given up").enqueue("never")
    wait_until(lambda: list(site.app.monitor.failed()), what=lambda: worker.log)
    failure = site.failure("unsteady")
    assert failure["error"] == "buoy.errors.WorkerLost"
    began = len(site.words("loaded"))
    assert began <= 7, "one for each of four crashes, and one or two more"
    Note.enqueue("never")
    since = time.monotonic()
    time.sleep(1.0)
    loaded = [note.at - since for note in site.notes if note.event == "loaded"]
    assert len([at for at in loaded if 0 < at < 1]) <= 3
    (site.folder / "deadly").unlink()
    Note.enqueue("at last")
    site.note("ran", "at last")
    site.settled("unsteady")
    worker.stop()


def test_an_app_that_cannot_be_loaded_again_is_waited_for(site: Site) -> None:
    worker = steady(site)
    site.open("broken")
    os.kill(worker.nursery, signal.SIGKILL)
    worker.wait_for_log("RuntimeError: cannot be loaded any more")
    Note.enqueue("waits")
    assert site.view("unsteady").running == 0
    (site.folder / "broken").unlink()
    site.note("ran", "waits")
    site.settled("unsteady")
    site.open("broken")
    os.kill(worker.nursery, signal.SIGKILL)
    wait_until(lambda: worker.log.count("cannot be loaded any more") > 1)
    worker.stop()
