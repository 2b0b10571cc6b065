"""The page of what runs: workers, their jobs, and what can be told to them."""

import time
from typing import Any

import pytest

from buoy import App
from buoy.testing import FakeWorker

from .conftest import Browser, Site
from .jobs import Charge


def register(app: App, id: str, **facts: Any) -> None:
    """Let a worker be known to Redis."""
    host = id.partition("-")[0]
    known: dict[str, Any] = {"host": host, "pid": 7, "queues": "*", "executor": "fork", "slots": 2}
    known |= {"state": "running", "started_at": 12.5, "memory": 10**6} | facts
    words: list[Any] = [word for pair in known.items() for word in pair]
    app.command("HSET", f"buoy:worker:{id}", *words)
    app.command("ZADD", "buoy:workers", int(time.time() * 1000), id)


@pytest.fixture
def crowd(buoy_app: App) -> None:
    """Workers on two hosts: one serves mails only, one is paused, one is gone."""
    register(buoy_app, "east-1-a", memory=3 * 10**6)
    register(buoy_app, "east-2-b", queues="mail")
    register(buoy_app, "west-3-c", state="paused", started_at=5)
    buoy_app.command("ZADD", "buoy:workers", 1500, "west-4-d")


def ids(site: Site, query: str = "") -> list[str]:
    return [each["id"] for each in site.get(f"/api/workers{query}").json()["workers"]]


@pytest.mark.usefixtures("crowd")
class TestFilter:
    @pytest.mark.parametrize(
        ("query", "wanted"),
        [
            ("", ["west-4-d", "east-1-a", "east-2-b", "west-3-c"]),
            ("?host=EAST", ["east-1-a", "east-2-b"]),
            ("?queue=payments", ["east-1-a", "west-3-c"]),
            ("?queue=mail&host=east", ["east-1-a", "east-2-b"]),
            ("?state=gone", ["west-4-d"]),
            ("?state=paused", ["west-3-c"]),
            ("?state=busy", []),
            ("?state=idle&sort=memory", ["east-1-a", "east-2-b", "west-3-c"]),
            ("?sort=age", ["west-4-d", "west-3-c", "east-1-a", "east-2-b"]),
            ("?sort=nothing&state=nothing", ["west-4-d", "east-1-a", "east-2-b", "west-3-c"]),
        ],
    )
    def test_workers_are_filtered_and_sorted(
        self, site: Site, query: str, wanted: list[str]
    ) -> None:
        assert ids(site, query) == wanted

    def test_states_are_counted_within_the_filter(self, site: Site) -> None:
        found = site.get("/api/workers?host=west&state=gone").json()

        assert found["counts"] == {"busy": 0, "idle": 1, "paused": 1, "gone": 1}
        assert "No worker matches this filter." in site.text("/workers?host=nowhere")

    def test_links_keep_the_filter(self, site: Site) -> None:
        html = site.get("/workers?host=%22%3E%3Cscript%3E&queue=a%26b").text

        assert "<script>alert" not in html
        assert 'value="&#34;&gt;&lt;script&gt;"' in html
        assert "queue=a%26b&amp;host=%22%3E%3Cscript%3E&amp;state=busy" in html


@pytest.mark.usefixtures("crowd")
def test_a_pause_of_everything_is_told_and_no_worker_resumes_alone(
    site: Site, buoy_app: App
) -> None:
    assert "Everything" not in site.text("/workers")
    assert site.text("/workers").count("Resume") == 1

    buoy_app.control.pause_all()

    text = site.text("/workers")
    assert "Everything is paused since" in text
    assert "no worker takes jobs. To go on: buoy resume" in text
    assert "Resume" not in text
    assert site.get("/api/workers").json()["paused_since"] == pytest.approx(time.time(), abs=60)
    assert site.client.post("/api/workers/west-3-c/resume", json={}).json()["said"] == (
        "west-3-c takes jobs again after its next heartbeat, and after buoy resume: everything is "
        "paused."
    )


def test_many_workers_come_in_pages(site: Site, buoy_app: App) -> None:
    for number in range(120):
        register(buoy_app, f"east-{number:03}")

    assert ids(site, "?start=50")[0] == "east-050"
    assert len(ids(site, "?start=115")) == 5
    assert "51 to 60 of 120" in site.text("/workers?start=50")


class TestRunning:
    @pytest.fixture
    def job(self, buoy_app: App) -> str:
        """A job that runs on a worker."""
        register(buoy_app, "east-1-a")
        handle = Charge.enqueue(7)
        FakeWorker(buoy_app, "payments", "east-1-a").take()
        return handle.id

    def test_it_says_what_runs_since_when(self, site: Site, job: str) -> None:
        text = site.text("/workers")

        assert "fork, 1 of 2 slots busy, 1 free · * · 1.0 MB" in text
        assert f"{job} {Charge.name} payments 7" in text
        assert f'href="/jobs/{job}"' in site.get("/workers").text

    @pytest.mark.parametrize("page", ["/workers", "/jobs/{}"])
    def test_a_running_job_is_cancelled(
        self, site: Site, buoy_app: App, job: str, page: str
    ) -> None:
        page = page.format(job)
        assert "Cancel" in site.text(page)

        site.post(f"/jobs/{job}/cancel", page)

        assert buoy_app.find(job) is None
        assert f"{job} is cancelled; it was running." in site.text("/audit")

    @pytest.mark.parametrize("command", ["quiet", "stop"])
    def test_a_worker_is_told(self, site: Site, buoy_app: App, job: str, command: str) -> None:
        site.post(f"/workers/east-1-a/{command}", "/workers")

        assert buoy_app.monitor.workers()[0].command == command
        assert f"told to {command}" in site.text("/workers")

    def test_a_viewer_cannot_cancel(self, browser: Browser, buoy_app: App, job: str) -> None:
        site = browser(lambda _: "viewer")

        assert "Cancel" not in site.text("/workers")
        assert site.client.post(f"/api/jobs/{job}/cancel", json={}).status_code == 403
        assert buoy_app.find(job) is not None
