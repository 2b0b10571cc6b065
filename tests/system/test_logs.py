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
from tests.support.processes import Site

from .apps import misbehaving as bad
from .apps.jobs import Note

STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}"


def lines(log: str, logger: str) -> list[str]:
    return [line for line in log.splitlines() if f" buoy.{logger} " in line]


def test_each_job_has_a_line_with_all_that_names_it(site: Site, executor: str) -> None:
    job = Note.using(queue="mail").enqueue("x")
    worker = site.burst("-v", "--executor", executor, queues="mail")
    [line] = lines(worker.log, "job")
    found = re.fullmatch(
        rf"{STAMP} DEBUG buoy.job done id={job.id} class=tests.system.apps.jobs.Note "
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
        rf"{STAMP} ERROR buoy.job failed: ValueError: wrong\\nin two lines id={failed.id} "
        r"class=tests.system.apps.misbehaving.Fails queue=bad attempt=1 worker=\S+",
        line,
    ), line


def test_quiet_says_only_what_is_wrong(site: Site, executor: str) -> None:
    Note.using(queue="bad").enqueue("x")
    worker = site.burst("--quiet", "--executor", executor, queues="bad")
    assert worker.log == ""
    bad.Fails.enqueue()
    worker = site.burst("--quiet", "--executor", executor, queues="bad", app="misbehaving")
    assert len(worker.log.splitlines()) == 1
    assert "ERROR buoy.job failed: ValueError" in worker.log


def test_a_child_s_death_has_a_line(site: Site) -> None:
    job = bad.Segfaults.enqueue()
    worker = site.burst(queues="bad", app="misbehaving")
    [line] = lines(worker.log, "job")
    assert "ERROR buoy.job failed: buoy.errors.DirtyExit: the process of the job ended by " in line
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
        site.start([*command, "--executor", executor], full).wait(20.0)
    assert site.words() == ["x"]
    assert site.view().failed == 1


@pytest.mark.parametrize("how", ["option", "environment"])
def test_as_json_each_line_is_an_object(site: Site, how: str) -> None:
    failed = bad.Fails.enqueue()
    bad.Segfaults.enqueue()
    options = ["--log-format", "json"] if how == "option" else []
    site.environ |= {"BUOY_LOG_FORMAT": "json"} if how == "environment" else {}
    worker = site.burst("-v", "--processes", "2", *options, queues="bad", app="misbehaving")
    rows = [json.loads(line) for line in worker.log.splitlines()]
    assert {"buoy.supervisor", "buoy.worker", "buoy.job"} == {row["logger"] for row in rows}
    [row] = [row for row in rows if f"id={failed.id}" in row["message"]]
    assert set(row) == {"time", "level", "logger", "message", "pid"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row["time"])
    assert row["level"] == "ERROR"
    assert row["message"].startswith("failed: ValueError: wrong\nin two lines id=")


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
    assert "Invalid value for '--log-format': 'xml' is not one of 'text', 'json'." in output
