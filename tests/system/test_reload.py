"""For development: ``buoy worker --reload`` and ``buoy dev``."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from buoy import App
from tests.support.processes import Site, WorkerProcess, wait_until

SHOP = """
import time
from pathlib import Path

from buoy import Job


class Say(Job):
    def perform(self, word: str, gate: str = "") -> None:
        print("{before}", word, flush=True)
        while gate and not Path(gate).exists():
            time.sleep(0.01)
        print("{after}", word, flush=True)
"""


@pytest.fixture
def shop(site: Site, tmp_path: Path) -> Path:
    """The module of an app, in the current directory of the processes."""
    folder = tmp_path / "shop"
    folder.mkdir()
    site.cwd = folder
    file = folder / "shopjobs.py"
    write(file, "begins", "ends")
    return file


@pytest.fixture
def ended(site: Site) -> Iterator[None]:
    """After the test, its processes are told to end, before any is killed."""
    yield
    for worker in site.workers:
        if worker.process.poll() is None:
            worker.signal(signal.SIGTERM)
            worker.wait()


def write(file: Path, before: str, after: str) -> None:
    replace(file, SHOP.format(before=before, after=after))


def replace(file: Path, text: str) -> None:
    """Change a file at once: a look at it while it is written would see two changes."""
    new = file.with_name("new")
    new.write_text(text)
    new.replace(file)


def push(app: App, *args: str) -> None:
    app.push("shopjobs.Say", list(args), queue="default")


def start(site: Site, *command: str) -> WorkerProcess:
    log = site.folder / f"process-{len(site.workers)}.log"
    with log.open("wb") as output:
        process = site.start([*command, "-a", "shopjobs"], output)
    site.workers.append(WorkerProcess(process, log))
    return site.workers[-1]


def reloading(site: Site, *options: str) -> WorkerProcess:
    """A worker that reloads, once it serves."""
    worker = start(site, "worker", "--reload", *options)
    worker.wait_for_log(" serves ")
    return worker


def serves(worker: WorkerProcess, times: int) -> None:
    wait_until(lambda: worker.log.count(" serves ") == times, what=lambda: worker.log)


@pytest.mark.usefixtures("ended")
def test_a_change_starts_the_worker_again_when_running_jobs_have_ended(
    site: Site, shop: Path, executor: str
) -> None:
    worker = reloading(site, "--executor", executor)
    push(site.app, "first", "gate")
    worker.wait_for_log("begins first")

    write(shop, "begins anew", "ends anew")
    worker.wait_for_log("shopjobs.py has changed: starting again when running jobs have ended")
    push(site.app, "second")
    assert "ends first" not in worker.log
    (shop.parent / "gate").touch()

    worker.wait_for_log("ends first")
    worker.wait_for_log("ends anew second")
    assert "begins second" not in worker.log


def test_a_broken_file_is_told_and_the_next_change_waited_for(site: Site, shop: Path) -> None:
    worker = reloading(site)
    good = shop.read_text()
    replace(shop, "class Say(:\n")
    worker.wait_for_log("SyntaxError: invalid syntax")
    worker.wait_for_log("worker has ended (exit 1): waiting for a change")

    shop.with_name("other.py").touch()
    wait_until(lambda: worker.log.count("waiting for a change") == 2)
    assert "other.py has changed: starting again\n" in worker.log
    replace(shop, good)
    serves(worker, 2)

    worker.signal(signal.SIGINT)
    assert worker.wait() == 0, worker.log


def test_it_ends_while_it_waits_for_a_change(site: Site, shop: Path) -> None:
    shop.write_text("import no_such_module\n")
    worker = start(site, "worker", "--reload")
    worker.wait_for_log("waiting for a change")

    worker.signal(signal.SIGTERM)

    assert worker.wait() == 0, worker.log


@pytest.mark.usefixtures("shop")
def test_one_ctrl_c_in_a_terminal_ends_the_worker_in_peace(site: Site) -> None:
    worker = reloading(site)
    push(site.app, "first", "gate")
    worker.wait_for_log("begins first")

    os.killpg(worker.pid, signal.SIGINT)
    worker.wait_for_log("stopping; a second Ctrl-C ends the running jobs at once")
    (site.cwd / "gate").touch()

    assert worker.wait() == 0, worker.log
    assert "ends first" in worker.log


@pytest.mark.usefixtures("shop")
def test_a_burst_ends_and_a_worker_that_is_told_to_stop(site: Site) -> None:
    push(site.app, "first")
    worker = start(site, "worker", "--reload", "--burst")
    assert worker.wait() == 0, worker.log
    assert "ends first" in worker.log

    site.lease = 3.0  # a worker that misses heartbeats for a lease would not be told
    worker = reloading(site, "--processes", "2")
    serves(worker, 2)
    assert site.run("workers", "stop")[0] == 0
    assert worker.wait() == 0, worker.log


@pytest.mark.usefixtures("shop")
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of such a death")
@pytest.mark.parametrize("options", [[], ["--processes", "2"]], ids=["worker", "supervisor"])
def test_no_worker_outlives_its_reloader(site: Site, options: list[str]) -> None:
    worker = reloading(site, "--executor", "inline", *options)

    worker.kill()

    wait_until(lambda: not site.processes(), what=site.describe)


# buoy dev


@pytest.fixture
def no_url(site: Site) -> None:
    """No setting has a URL."""
    site.environ |= {"BUOY_URL": "", "REDIS_URL": ""}


def push_by_command(site: Site, url: str, *args: str) -> None:
    """Push a job from another process: one that joins a private server is a user until it ends."""
    command = ["enqueue", "-a", "shopjobs", "--url", url, "shopjobs.Say", json.dumps(args)]
    code, said = site.run(*command)
    assert code == 0, said


@pytest.mark.usefixtures("no_url")
def test_dev_runs_worker_and_scheduler_on_a_private_server(site: Site, shop: Path) -> None:
    dev = start(site, "dev")
    dev.wait_for_log("worker    | ")
    wait_until(lambda: dev.log.count(" serves ") == 2, what=lambda: dev.log)
    url = f"embedded://{shop.parent / '.buoy'}"
    first = dev.log.splitlines()[0]
    assert first.startswith("dev       | worker, scheduler")
    assert first.endswith(f" with a private server; other programs join it by BUOY_URL={url}")
    push_by_command(site, url, "first")
    dev.wait_for_log("worker    | ends first\n")
    assert (shop.parent / ".buoy" / ".gitignore").read_text() == "*\n"

    write(shop, "begins anew", "ends anew")
    dev.wait_for_log("dev       | shopjobs.py has changed: starting again")
    wait_until(lambda: dev.log.count(" serves ") == 4, what=lambda: dev.log)
    push_by_command(site, url, "second", "gate")
    dev.wait_for_log("worker    | begins anew second\n")

    os.killpg(dev.pid, signal.SIGINT)
    dev.wait_for_log("dev       | stopping; a second Ctrl-C ends the running jobs at once")
    (shop.parent / "gate").touch()
    assert dev.wait() == 0, dev.log
    assert "worker    | ends anew second\n" in dev.log


def install_dashboard(folder: Path) -> None:
    """Put a package with the command ``web`` into a folder."""
    package = folder / "dashboard-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: dashboard\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[buoy.commands]\nweb = dashboard:web\n")
    page = "import os, time, click\n@click.command()\ndef web():\n    "
    page += "print('page of', os.environ['BUOY_APP'])\n    time.sleep(60)\n"
    (folder / "dashboard.py").write_text(page)


def test_dev_uses_the_redis_of_the_settings_and_a_dashboard_that_is_installed(
    site: Site, shop: Path
) -> None:
    if "web" not in {point.name for point in entry_points(group="buoy.commands")}:
        install_dashboard(shop.parent)
        site.environ |= {"PYTHONPATH": str(shop.parent)}

    dev = start(site, "dev", "--quiet")
    dev.wait_for_log("web       | ")
    push(site.app, "first")
    dev.wait_for_log("worker    | ends first\n")
    assert dev.log.startswith("dev       | worker, scheduler, web with Redis at ")
    assert not (shop.parent / ".buoy").exists()

    dev.signal(signal.SIGINT)
    assert dev.wait() == 0, dev.log


@pytest.mark.usefixtures("shop")
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of such a death")
def test_nothing_outlives_dev(site: Site) -> None:
    dev = start(site, "dev")
    wait_until(lambda: dev.log.count(" serves ") == 2, what=lambda: dev.log)

    dev.kill()

    wait_until(lambda: not site.processes(), what=site.describe)


@pytest.mark.usefixtures("no_url")
def test_dev_tells_at_once_that_there_is_no_server(site: Site, shop: Path) -> None:
    (shop.parent / ".buoy").write_text("a file")

    code, said = site.run("dev", "-a", "shopjobs")

    assert (code, said.count("Error: ")) == (1, 1)
    assert "expected a folder that this user may write to" in said
