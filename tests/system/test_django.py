"""``manage.py buoy`` in a project of Django: workers, their connections, reloading, errors."""

import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from buoy import App
from tests.django.manage import PROJECT, environment, manage
from tests.support.processes import MARK, Site, WorkerProcess, wait_until

THREAD = ("--executor", "thread")
"""For tests about other things: there are fewer processes that load Django."""


@pytest.fixture
def shop(site: Site, tmp_path: Path) -> Iterator[App]:
    """The app of the project, whose database has one order. After the test, its processes are told
    to end, before any is killed."""
    database = sqlite3.connect(tmp_path / "shop.sqlite3")
    database.execute("create table shop_order (id integer primary key, packed_by text not null)")
    database.execute("insert into shop_order values (1, '')")
    database.commit()
    database.close()
    yield App(site.server.url, namespace="shop")
    for worker in site.workers:
        if worker.process.poll() is None:
            worker.signal(signal.SIGTERM)
            worker.wait()


def start(site: Site, *command: str, project: Path = PROJECT) -> WorkerProcess:
    """Start a command of the project, in another folder than that of the project."""
    log = site.folder / f"process-{len(site.workers)}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(project / "manage.py"), "buoy", *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment(site.folder, site.server.url) | {MARK: site.mark},
            cwd=site.folder,
            process_group=0,
        )
    site.workers.append(WorkerProcess(process, log))
    return site.workers[-1]


def packed_by(site: Site) -> str:
    database = sqlite3.connect(site.folder / "shop.sqlite3")
    [[name]] = database.execute("select packed_by from shop_order").fetchall()
    database.close()
    return str(name)


@pytest.mark.parametrize("executor", ["fork", "thread", "async"])
def test_jobs_use_models_and_begin_without_a_connection(
    executor: str, site: Site, shop: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_EARLY", "1")  # the app connects while it is loaded
    for name in ("Pack", "look", "apack", "look", "alook"):
        shop.push(f"shop.jobs.{name}", [1] if "ack" in name else [], queue="packing")

    worker = start(site, "worker", "--burst", "-q", "packing", "--executor", executor, "-c", "1")

    assert worker.wait() == 0, worker.log
    assert "ends: 5 done" in worker.log
    assert worker.log.count("begins with a connection: False") == 3, worker.log
    assert packed_by(site) == "async"


def test_dev_starts_again_when_the_project_changes(site: Site, shop: App, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("tests", "__pycache__"))
    (project / "shop" / "more_tasks.py").unlink()  # nothing finds it then
    dev = start(site, "dev", "-q", "packing", *THREAD, project=project)
    wait_until(lambda: dev.log.count(" serves ") >= 1, what=lambda: dev.log)
    jobs = project / "shop" / "jobs.py"

    jobs.write_text(jobs.read_text().replace("begins with", "now begins with"))
    dev.wait_for_log("jobs.py has changed: starting again")
    shop.push("shop.jobs.look", [], queue="packing")

    dev.wait_for_log("worker    | now begins with a connection: False")
    dev.stop()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["worker", "--bogus"], 2, r"Try 'manage\.py buoy worker (--help|-h)'.*\s+Error: No"),
        (["doctor", "--settings=mysite.nowhere"], 1, r"No module named 'mysite\.nowhere'"),
    ],
)
def test_errors_name_the_command_of_the_project(
    arguments: list[str], code: int, message: str, site: Site
) -> None:
    ended = manage("buoy", *arguments, folder=site.folder, url=site.server.url)

    assert ended.returncode == code
    assert re.search(message, ended.stderr)
