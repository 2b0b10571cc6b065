"""The command: what it serves, how it ends, and what it says when it cannot begin."""

import json
import signal
import time
from collections.abc import Callable

import pytest

from buoy import App
from buoy.embedded.server import Server
from tests.support.processes import APPS, Site, alive, holds_for, wait_until

from .apps.jobs import Note, NoteSoon, Wait


def test_burst_runs_what_is_ready_and_ends(site: Site, executor: str) -> None:
    Note.enqueue_many([(str(n),) for n in range(20)])
    NoteSoon.enqueue("soon")
    Note.using(delay=60).enqueue("much later")
    worker = site.burst("--executor", executor)
    assert site.words() == [*map(str, range(20)), "soon"]
    assert "21 done" in worker.log
    assert site.view().delayed == 1


def test_a_burst_runs_what_is_due_by_now(site: Site, executor: str) -> None:
    Note.using(delay=0.05).enqueue("due")
    Note.using(delay=60).enqueue("much later")
    wait_until(lambda: site.view().queued + site.view().delayed == 2)
    time.sleep(0.1)
    site.burst("--executor", executor)
    assert site.words() == ["due"]
    assert site.view().delayed == 1


def test_a_burst_runs_what_its_jobs_enqueue_meanwhile(site: Site, executor: str) -> None:
    Wait.enqueue("first", "gate")
    worker = site.worker("--burst", "--executor", executor)
    site.note("began")
    Note.enqueue("second")
    site.open("gate")
    assert worker.wait() == 0
    assert site.words() == ["first", "second"]


def test_slots_run_side_by_side(site: Site) -> None:
    for n in range(3):
        Wait.enqueue(str(n), "gate")
    site.worker("-c", "2")
    wait_until(lambda: len(site.words("began")) == 2)
    holds_for(0.2, lambda: len(site.words("began")) == 2)
    site.open("gate")
    site.settled()
    assert sorted(site.words()) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("queues", "ran"),
    [
        ("mail_bulk,mail", ["mail_bulk", "mail"]),
        ("mail*", ["mail", "mail_bulk"]),
        ("shop,mail*,!mail_bulk", ["shop", "mail"]),
        ("!mail,*", ["mail_bulk", "shop"]),
    ],
)
def test_queue_lists_have_order_globs_and_negation(site: Site, queues: str, ran: list[str]) -> None:
    for queue in ("mail", "mail_bulk", "shop"):
        Note.using(queue=queue).enqueue(queue)
    site.burst("--executor", "inline", queues=queues)
    assert site.words() == ran


def test_a_glob_finds_queues_that_come_up_later(site: Site, executor: str) -> None:
    site.worker("--executor", executor, queues="*").wait_for_log("serves *")
    Note.using(queue="new").enqueue("found")
    site.note("ran", "found")


def test_a_paused_queue_is_left_alone_also_by_a_worker_that_waits(
    site: Site, executor: str
) -> None:
    site.worker("--executor", executor, queues="mail,default")
    Note.enqueue("warm")
    site.note("ran", "warm")
    code, _ = site.run("queues", "pause", "mail")
    assert code == 0
    Note.using(queue="mail").enqueue("paused")
    Note.using(queue="mail", delay=0.1).enqueue("delayed")
    Note.enqueue("other")
    site.note("ran", "other")
    holds_for(0.5, lambda: site.words() == ["warm", "other"])
    site.app.control.pause("mail", resume=True)
    site.note("ran", "delayed")
    assert site.words() == ["warm", "other", "paused", "delayed"]


def test_workers_are_listed_with_their_jobs_until_they_end(site: Site) -> None:
    held = Wait.enqueue("held", "gate")
    worker = site.worker("-c", "2", queues="default,mail")
    site.note("began")
    [row] = wait_until(lambda: listed(site))
    assert row["running"] == [held.id]
    facts = [row[name] for name in ("state", "queues", "executor", "slots")]
    assert facts == ["running", "default,mail", "fork", 2]
    assert str(worker.pid) in str(row["id"])
    worker.signal(signal.SIGUSR2)
    wait_until(lambda: listed(site)[0]["state"] == "paused")
    worker.kill()
    wait_until(lambda: listed(site)[0]["state"] == "gone")
    site.open("gate")
    site.worker().wait_for_log("serves")
    site.note("ran", "held")
    site.workers[-1].stop()
    assert [row["state"] for row in listed(site)] in (["gone"], [])


def listed(site: Site) -> list[dict[str, object]]:
    code, output = site.run("workers", "--json")
    assert code == 0, output
    rows: list[dict[str, object]] = json.loads(output)
    return rows


def test_an_unknown_class_and_a_spoilt_payload_fail_and_nothing_else_does(
    site: Site, executor: str
) -> None:
    site.app.push("no.Such", queue="default", id="unknown")
    site.app.push("tests.system.apps.jobs.Note", queue="default", id="spoilt")
    key = site.app.broker.keys.part("default", "jobs")
    site.app.broker.client.call("HSET", key, "spoilt", b"{\xff")
    Note.enqueue("fine")
    site.burst("--executor", executor)
    assert site.words() == ["fine"]
    failed = {view.id: view.failure for view in site.app.monitor.failed(["default"])}
    assert {id: failure["error"] for id, failure in failed.items()} == {
        "unknown": "buoy.errors.UnknownJob",
        "spoilt": "buoy.errors.CorruptPayload",
    }
    assert failed["unknown"]["message"].startswith("no job named 'no.Such'")


@pytest.mark.parametrize("app", ["nowhere", "broken", "wants_nothing"])
def test_an_app_that_cannot_be_imported_is_told_in_one_message(
    site: Site, executor: str, app: str
) -> None:
    worker = site.worker("--executor", executor, app=app)
    assert worker.wait() == 1
    said = {
        "nowhere": "No module named 'tests.system.apps.nowhere'",
        "broken": "NameError: name 'undefined' is not defined",
        "wants_nothing": "No module named 'no_such_package'",
    }
    assert worker.log.count(said[app]) == 1, worker.log
    assert not site.processes()


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ("-a m -q default -c x", 2, "'-c' / '--concurrency'"),
        ("-q default", 2, "Missing option '-a'"),
        ("-a m -q default -c 0", 2, "'-c'"),
        ("-a m -q default --executor threads", 2, "'--executor'"),
        ("-a m -q !default", 1, "-q: expected at least one queue"),
        ("-a m -q default -c 2 --executor inline", 1, "-c: expected 1 slot"),
    ],
)
def test_a_wrong_command_line_is_refused(site: Site, options: str, code: int, message: str) -> None:
    got, output = site.run("worker", *options.split())
    assert (got, message in output) == (code, True), output


def test_a_worker_may_be_set_up_by_variables_alone(site: Site) -> None:
    site.environ |= {"BUOY_APP": f"{APPS}.jobs", "BUOY_QUEUES": "default", "BUOY_CONCURRENCY": "3"}
    site.environ |= {"BUOY_EXECUTOR": "thread", "BUOY_LOG_FORMAT": "json"}
    Note.enqueue("there")

    code, output = site.run("worker", "--burst")

    assert (code, site.words()) == (0, ["there"]), output
    assert " serves default with thread" in json.loads(output.splitlines()[0])["message"]


def test_a_worker_may_be_set_up_by_a_file_alone(site: Site) -> None:
    file = site.folder / "deploy.toml"
    file.write_text(f'app = "{APPS}.jobs"\nexecutor = "inline"\nnamespace = "filed"\n')
    site.environ |= {"BUOY_CONFIG": str(file)}
    App(site.server.url, namespace="filed").push(Note.name, ["there"], queue="default")

    code, output = site.run("worker", "--burst")

    assert (code, site.words()) == (0, ["there"]), output
    assert " serves *:1 with inline" in output


def test_a_wrong_password_is_told_at_once(make_site: Callable[..., Site], executor: str) -> None:
    with Server(port=True, args=("--requirepass", "secret")) as server:
        worker = make_site(server).worker("--executor", executor)
        assert worker.wait() == 1
        assert worker.log.count("Redis refuses") == 1, worker.log


def test_a_worker_waits_for_a_redis_that_is_not_there_yet(own_site: Site, executor: str) -> None:
    own_site.server.kill()
    worker = own_site.worker("--executor", executor)
    worker.wait_for_log("waiting for it")
    own_site.server.start()
    Note.enqueue("there")
    own_site.note("ran", "there")


def test_an_app_may_have_many_files_open(site: Site, executor: str) -> None:
    worker = site.worker("--executor", executor, app="many_files")
    for word in ("first", "second"):
        site.app.push(f"{APPS}.many_files.Tell", [word], queue="default")
        site.note("ran", word)
    worker.stop()


def test_told_to_end_while_the_app_loads_it_ends(site: Site, executor: str) -> None:
    worker = site.worker("--executor", executor, app="slow_to_load")
    loading = site.note("loading")
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0, worker.log
    wait_until(lambda: not alive(loading.pid))
    assert "Traceback" not in worker.log


def test_a_worker_puts_queues_that_hold_jobs_back_on_the_list(site: Site) -> None:
    Note.using(queue="later", delay=60).enqueue("kept")
    worker = site.worker(queues="*")
    wait_until(lambda: site.app.command("HGET", site.app.key("later", "meta"), "seen"))
    site.app.command("DEL", "buoy:queues")
    wait_until(lambda: site.app.monitor.queue_names() == ["later"])
    worker.stop()
