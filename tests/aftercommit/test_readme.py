"""The example of the README, and the loss that it describes, with its remedy."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from buoy import App
from buoy.embedded.server import Server
from tests.docs.blocks import Page, shell

PAGE = Page("packages/aftercommit/README.md")
BURST = "buoy worker -a shop -q packing --burst"

KILLED = """
import os, signal
from shop import Base, Order, Pack, Session, engine
from sqlalchemy import event

Base.metadata.create_all(engine)
session = Session()
event.listen(session, "after_commit", lambda session: os.kill(os.getpid(), signal.SIGKILL))
session.add(Order(id=1))
Pack.using(id="pack-1").enqueue(1)
session.commit()
"""


@pytest.fixture(autouse=True)
def files(tmp_path: Path, buoy_app: App) -> None:
    PAGE.write_files(tmp_path)


def test_the_example_of_the_readme_runs(tmp_path: Path, buoy_server: Server) -> None:
    [commands] = [block for block in PAGE.blocks("sh") if "buoy worker" in block]

    output = shell(commands, tmp_path, buoy_server.url)

    assert output.splitlines() == ["pack-1 is deferred", "queued", "packing order 1"]


def test_the_sweep_enqueues_a_job_lost_between_commit_and_push(
    tmp_path: Path, buoy_server: Server, buoy_app: App
) -> None:
    (tmp_path / "killed.py").write_text(KILLED)

    shell("python killed.py || true", tmp_path, buoy_server.url)

    with closing(sqlite3.connect(tmp_path / "shop.db")) as database:
        assert database.execute("select id, packed from orders").fetchall() == [(1, 0)]
    assert buoy_app.find("pack-1") is None
    output = shell(f"python sweep.py; python sweep.py; {BURST}", tmp_path, buoy_server.url)
    assert output == "packing order 1\n"
    shell("python sweep.py", tmp_path, buoy_server.url)
    assert buoy_app.find("pack-1") is None
