"""What a worker says: lines to search in, more or fewer of them."""

import json
import logging
import re
import sys
from pathlib import Path

import pytest

from buoy.model.entry import Entry
from buoy.model.payload import Payload
from buoy.process.log_format import OneObject
from tests.support.processes import WITHIN, Site

from .apps import misbehaving as bad
from .apps.jobs import Note

NOTE = "tests.system.apps.jobs.Note"
FAILS = "tests.system.apps.misbehaving.Fails"
USUAL = {
    *("time", "level", "logger", "message", "pid"),
    *("job_id", "job_class", "queue", "attempt", "worker", "state"),
}
STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}"


def worker_of(site: Site, id: str) -> object:
    """The worker that has run a job which failed."""
    view = site.app.find(id)
    assert view is not None
    return view.failure["worker"]


def lines(log: str, logger: str) -> list[str]:
    return [line for line in log.splitlines() if f" buoy.{logger} " in line]


def test_each_job_has_a_line_with_all_that_names_it(site: Site, executor: str) -> None:
    job = Note.using(queue="mail").enqueue("x")
    worker = site.burst("-v", "--executor", executor, queues="mail")
    [line] = lines(worker.log, "job")
    found = re.fullmatch(
        rf"{STAMP} DEBUG buoy.job {NOTE} done id={job.id} class={NOTE} "
        r"queue=mail attempt=1 worker=(\S+)",
        line,
    )
    assert found, line
    first, *_, last = lines(worker.log, "worker")
    assert first.endswith(f"INFO buoy.worker worker {found[1]} serves mail with {executor}")
    assert last.endswith(f"INFO buoy.worker worker {found[1]} ends: 1 done")


def test_by_default_only_what_fails_has_a_line(site: Site, executor: str) -> None:
    bad.Telling.enqueue("x")
    failed = bad.Fails.enqueue()
    worker = site.burst("--executor", executor, queues="bad", app="misbehaving")
    [line] = lines(worker.log, "job")
    assert re.fullmatch(
        rf"{STAMP} ERROR buoy.job {FAILS} failed: ValueError: wrong\\nin two lines id={failed.id} "
        rf"class={FAILS} queue=bad attempt=1 worker=\S+",
        line,
    ), line


def test_what_fails_is_logged_with_its_traceback(site: Site, executor: str) -> None:
    bad.Fails.enqueue()
    worker = site.burst("--quiet", "--executor", executor, queues="bad", app="misbehaving")
    _, *trace = worker.log.splitlines()
    places = [line for line in trace if line.startswith("    File ")]
    assert trace[0] == "  Traceback (most recent call last):"
    assert [place.rpartition(" in ")[2] for place in places] == ["perform", "wrong"]
    assert all("misbehaving.py" in place for place in places)
    assert trace[-2:] == ["  ValueError: wrong", "  in two lines"]


def test_quiet_says_only_what_is_wrong(site: Site, executor: str) -> None:
    Note.using(queue="bad").enqueue("x")
    worker = site.burst("--quiet", "--executor", executor, queues="bad")
    assert worker.log == ""
    bad.Fails.enqueue()
    worker = site.burst("--quiet", "--executor", executor, queues="bad", app="misbehaving")
    [line] = [line for line in worker.log.splitlines() if not line.startswith("  ")]
    assert f" ERROR buoy.job {FAILS} failed: ValueError" in line


def test_a_child_s_death_has_a_line(site: Site) -> None:
    job, other = bad.Segfaults.enqueue(), bad.DiesTwice.enqueue()
    worker = site.burst(queues="bad", app="misbehaving")
    line, second = lines(worker.log, "job")
    assert "DiesTwice failed: buoy.errors.DirtyExit: the process of the job ended" in second
    assert f"id={other.id}" in second
    assert not any(line.startswith("  ") for line in worker.log.splitlines())
    assert " failed: buoy.errors.DirtyExit: the process of the job ended by " in line
    assert " ERROR buoy.job tests.system.apps.misbehaving.Segfaults failed" in line
    assert "signal 11 (SIGSEGV)" in line
    assert f"id={job.id}" in line


def test_what_comes_from_outside_stays_on_its_line(site: Site, executor: str) -> None:
    name = "no.Such\n2026-01-01 00:00:00,000 INFO buoy.job done\x1b[31m"  # push would refuse it
    entry = Entry("a1", Payload(name, [], {}, "a1").encoded().encode())
    site.app.broker.enqueue("default", [entry])
    worker = site.burst("--executor", executor)
    assert len(lines(worker.log, "job")) == 1
    assert "\x1b" not in worker.log
    assert len(worker.log.splitlines()) == 3, worker.log


def test_where_nothing_can_be_written_jobs_run_all_the_same(site: Site, executor: str) -> None:
    Note.enqueue("x")
    bad.Fails.using(queue="default").enqueue()
    command = ["worker", "-a", "tests.system.apps.jobs", "-q", "default", "--burst", "-v"]
    with Path("/dev/full").open("wb") as full:
        site.start([*command, "--executor", executor], full).wait(WITHIN)
    assert site.words() == ["x"]
    assert site.view().failed == 1


@pytest.mark.parametrize("how", ["option", "environment"])
def test_as_json_each_line_is_an_object(site: Site, how: str) -> None:
    site.lease = 30.0  # neither of the two takes a job of the other that is held up for a second
    failed = bad.Fails.enqueue()
    bad.Segfaults.enqueue()
    options = ["--log-format", "json"] if how == "option" else []
    site.environ |= {"BUOY_LOG_FORMAT": "json"} if how == "environment" else {}
    worker = site.burst("-v", "--processes", "2", *options, queues="bad", app="misbehaving")
    rows = [json.loads(line) for line in worker.log.splitlines()]
    assert {"buoy.supervisor", "buoy.worker", "buoy.job"} == {row["logger"] for row in rows}
    [row] = [row for row in rows if f"id={failed.id}" in row["message"]]
    assert set(row) == {*USUAL, "traceback"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row["time"])
    assert row["level"] == "ERROR"
    assert row["message"].startswith(f"{FAILS} failed: ValueError: wrong\nin two lines id=")
    assert row["traceback"].startswith("Traceback (most recent call last):\n  File ")
    facts = {"job_id": failed.id, "job_class": FAILS, "queue": "bad", "attempt": 1}
    assert facts.items() <= row.items()
    assert (row["state"], row["worker"]) == ("failed", worker_of(site, failed.id))
    [death] = [row for row in rows if row["logger"] == "buoy.job" and row["job_id"] != failed.id]
    assert set(death) == USUAL


def test_what_python_warns_of_is_a_line_of_the_log(site: Site, executor: str) -> None:
    bad.Warns.enqueue()
    worker = site.burst("--executor", executor, queues="bad", app="misbehaving")
    [line] = [line for line in worker.log.splitlines() if "forged" in line]
    assert re.match(rf"{STAMP} WARNING py\.warnings \S+misbehaving\.py:\d+: UserWarning: ", line)
    assert line.endswith(r"old\x1b[2J\nforged")


def test_as_json_an_event_carries_its_traceback() -> None:
    try:
        raise ValueError("wrong")
    except ValueError:
        record = logging.getLogger().makeRecord(
            "shop", logging.ERROR, __file__, 1, "%s failed", ("x",), sys.exc_info()
        )
    row = json.loads(OneObject().format(record))
    assert row["message"] == "x failed"
    assert row["traceback"].endswith("ValueError: wrong")


def test_another_format_is_refused(site: Site) -> None:
    code, output = site.run("worker", "-a", "x", "-q", "x", "--log-format", "xml")
    assert code == 2
    assert "Invalid value for '--log-format': expected one of text, json; got 'xml'" in output
