"""What a worker says: lines to search in, more or fewer of them."""

import re
from pathlib import Path

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
    site.app.push("no.Such\n2026-01-01 00:00:00,000 INFO buoy.job done\x1b[31m", queue="default")
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
