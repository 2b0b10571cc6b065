"""The page of one job: its timeline, and what plugins know of it."""

from importlib.metadata import EntryPoint

import pytest

import buoy.operations.known_job
from buoy import App, Job
from buoy.plugins.operators import KnownJob
from buoy.testing import FakeWorker, drain
from buoy_retry import Constant, Retry

from .conftest import Site
from .jobs import Charge


class Upload(Job):
    queue = "uploads"
    plugins = [Retry(limit=2, delay=Constant(600))]

    def perform(self, file: str) -> None:
        raise ValueError(f"<b>no</b> {file}")


def titles(site: Site, id: str) -> list[str]:
    return [event["title"] for event in site.client.get(f"/api/jobs/{id}").json()["events"]]


def test_a_job_is_followed_from_attempt_to_attempt(site: Site, buoy_app: App) -> None:
    id = Upload.enqueue("a.txt").id
    assert titles(site, id) == ["Enqueued", "Queued"]

    drain(buoy_app, "uploads", raise_errors=False)
    assert titles(site, id) == ["Enqueued", "Attempt 1 failed", "Due"]
    text = site.text(f"/jobs/{id}")
    assert "ValueError: <b>no</b> a.txt" in text
    assert "for attempt 2" in text

    for _ in range(2):
        buoy_app.reschedule(id)
        drain(buoy_app, "uploads", raise_errors=False)
    assert titles(site, id) == ["Enqueued", "Attempt 1 failed", "Attempt 2 failed", "Failed"]
    assert "<b>no" not in site.get(f"/jobs/{id}").text


def test_a_running_job_tells_since_when_and_which_worker_runs_it(site: Site, buoy_app: App) -> None:
    id = Charge.enqueue(1).id
    worker = FakeWorker(buoy_app, "payments")
    worker.take()

    job = buoy_app.find(id)
    assert job is not None
    assert titles(site, id) == ["Enqueued", "Running"]
    assert f"attempt 1 · {job.worker}" in site.text(f"/jobs/{id}")


def test_a_failed_job_is_retried_from_its_page(site: Site, buoy_app: App) -> None:
    id = Charge.enqueue(-1).id
    drain(buoy_app, "payments", raise_errors=False)

    page = site.post("/failed/retry", f"/jobs/{id}", id=id)

    assert "1 job is queued again." in page.text
    assert titles(site, id) == ["Enqueued", "Queued"]


def test_a_job_that_has_ended_is_known_for_a_while(site: Site, buoy_app: App) -> None:
    id = Charge.enqueue(1).id
    drain(buoy_app, "payments")

    assert titles(site, id) == ["Ended"]
    assert f"Job {id} ended Timeline Ended" in site.text(f"/jobs/{id}")


def test_an_unknown_job_is_not_found(site: Site) -> None:
    response = site.get("/jobs/unknown")

    assert response.status_code == 404
    assert "No queue has a job unknown." in response.text


@pytest.mark.parametrize(
    "kept",
    [
        {"retry": {"history": "no list"}},
        {"retry": {"history": [{}, 1, {"attempt": 1, "at": "now", "error": 1, "message": None}]}},
        {"retry": {"history": [{"attempt": 1, "at": 1e300, "error": "E", "message": "m"}]}},
        {"scheduler": {"entry": ["<script>"]}, "<script>": {"<b>": "<b>"}},
    ],
)
def test_odd_data_of_plugins_is_text_only(
    site: Site, buoy_app: App, kept: dict[str, dict[str, object]]
) -> None:
    job = buoy_app.build(Charge, 1)
    job.plugin_data.update(kept)
    id = buoy_app.submit(job).id

    assert titles(site, id)[0] == "Enqueued"
    html = site.get(f"/jobs/{id}").text
    assert "<script>" not in html
    assert "<b>" not in html


def test_plugins_tell_what_they_know(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint("notes", f"{__name__}:note_of", "buoy.job_facts"),
        EntryPoint("broken", "nowhere:x", "buoy.job_facts"),
    ]
    monkeypatch.setattr(buoy.operations.known_job, "installed_facts", lambda: points)

    text = site.text(f"/jobs/{Charge.enqueue(1).id}")
    assert "From notes note <script>" in text
    assert "From broken broken ModuleNotFoundError: No module named 'nowhere'" in text
    assert "From notes" in site.text("/jobs/long-ago")


def note_of(app: App, known: KnownJob) -> dict[str, object]:
    return {"note": "<script>", "size": 12, "more": [known.id, float("nan")]}


def test_the_page_of_a_queue_lists_jobs_in_the_order_in_which_they_will_run(site: Site) -> None:
    Charge.using(priority="low").enqueue_many([(n,) for n in range(40, 55)])
    Charge.enqueue_many([(n,) for n in range(20, 40)])
    Charge.using(priority="high").enqueue_many([(n,) for n in range(1, 20)])
    Charge.using(priority="high", front=True).enqueue(0)

    shown = [
        job["args"][0]
        for start in (0, 20, 40)
        for job in site.client.get(f"/api/queues/payments?start={start}").json()["jobs"]
    ]

    assert shown == list(range(55))


def test_pages_show_the_priority_of_jobs_that_have_one(site: Site) -> None:
    Charge.enqueue(1)
    pages = ["/jobs", "/queues/payments?state=queued"]
    assert not any('title="priority"' in site.get(page).text for page in pages)

    id = Charge.using(priority="low").enqueue(2).id

    for page in pages:
        assert site.get(page).text.count('<span class="tag low" title="priority">low</span>') == 1
    assert "<dt>Priority</dt><dd>low</dd>" in site.get(f"/jobs/{id}").text
    assert site.client.get(f"/api/jobs/{id}").json()["job"]["priority"] == "low"
