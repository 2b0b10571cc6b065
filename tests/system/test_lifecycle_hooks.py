"""The hooks of a worker's life: each at its time, in the right process."""

import signal

import pytest

from tests.support.processes import Site, wait_until

from .apps.hooks import Tell

HOOKS = ["worker_started", "before_fork", "after_fork", "worker_stopping"]


def pids(site: Site, event: str) -> list[int]:
    return [note.pid for note in site.notes if note.event == event]


def test_forking_loads_the_app_once_in_the_nursery(site: Site) -> None:
    Tell.enqueue_many([("first",), ("second",)])
    worker = site.worker(app="hooks")
    nursery = worker.nursery
    site.settled()
    worker.stop()
    children = pids(site, "ran")
    assert len({worker.pid, nursery, *children}) == 4
    assert pids(site, "imported") == [nursery]
    assert pids(site, "worker_started") == [nursery]
    assert pids(site, "before_fork") == [nursery] * 2
    assert pids(site, "after_fork") == children
    assert pids(site, "worker_stopping") == [nursery]
    assert site.words("frozen") == ["True", "True"]
    assert site.words("parent") == [str(nursery)] * 2
    events = [note.event for note in site.notes if note.event in [*HOOKS, "imported", "ran"]]
    assert events == [
        *("imported", "worker_started"),
        *("before_fork", "after_fork", "ran") * 2,
        "worker_stopping",
    ]


def test_with_inline_all_hooks_run_in_the_worker(site: Site) -> None:
    Tell.enqueue_many([("first",), ("second",)])
    worker = site.worker("--executor", "inline", app="hooks")
    site.settled()
    worker.stop()
    events = [note.event for note in site.notes if note.event not in ("frozen", "parent")]
    assert events == ["imported", "worker_started", "ran", "ran", "worker_stopping"]
    assert {note.pid for note in site.notes} == {worker.pid}


def test_a_child_that_dies_is_asked_about_in_another_without_the_app_s_hooks(site: Site) -> None:
    site.app.push("tests.system.apps.jobs.Wait", ["killed", "gate"], queue="default")
    worker = site.worker(app="hooks,tests.system.apps.jobs")
    site.note("began")
    worker.signal(signal.SIGUSR1)
    site.settled()
    worker.stop()
    assert len(pids(site, "before_fork")) == 2
    assert len(pids(site, "after_fork")) == 1


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_that_fails_is_told_of(site: Site, hook: str) -> None:
    site.environ["FAILING"] = hook
    site.app.push("tests.system.apps.failing_hooks.Tell", ["here"], queue="default", id="one")
    worker = site.worker(app="failing_hooks")
    match hook:
        case "worker_started":
            assert worker.wait() == 1
            assert not site.processes()
        case "after_fork":
            wait_until(lambda: list(site.app.monitor.failed()))
            assert site.failure()["message"] == "after_fork has failed"
            worker.stop()
        case _:
            site.note("ran", "here")
            site.settled()
            worker.stop()
    if hook == "worker_started":
        assert worker.log.count("RuntimeError: worker_started has failed") == 1, worker.log
    elif hook != "after_fork":
        told = f"hook {hook} of tests.system.apps.failing_hooks failed: RuntimeError: "
        assert worker.log.count(told) == 1, worker.log


def test_a_hook_that_there_is_not_is_refused(site: Site, executor: str) -> None:
    worker = site.worker("--executor", executor, app="misspelt_hook")
    assert worker.wait() == 1
    assert "worker_begun" in worker.log
    assert "worker_started" in worker.log, "names the hooks that there are"
    assert "Traceback" not in worker.log


@pytest.mark.parametrize("slowly", [False, True])
def test_a_worker_that_must_end_with_a_job_in_it_tells_the_app(site: Site, slowly: bool) -> None:
    if slowly:
        site.environ["SLOWLY"] = "1"
    site.app.push("tests.system.apps.jobs.Wait", ["word", "never"], queue="default")
    worker = site.worker("--executor", "thread", "--grace", "0.1", app="leaving")
    site.note("began")

    worker.stop()

    assert [note.pid for note in site.notes if note.event == "leaves"] == [worker.pid]
    assert site.view().queued == 1
