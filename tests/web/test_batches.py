"""The page Batches, and the batches on the page of a job."""

import re

import pytest

from buoy import App
from buoy.testing import drain
from buoy_batch import Batch

from .conftest import Browser, Site
from .jobs import Charge

ODD = "<script>alert(1)</script> & 'too'"


@pytest.fixture
def batch(buoy_app: App) -> Batch:
    with Batch(queue="reports", description=ODD) as made:
        made.enqueue_many(Charge, [(1,), (-2,), (3,)])
    return made


def test_the_page_tells_how_far_each_batch_is(batch: Batch, site: Site) -> None:
    assert "Members Pending Done Failed Others Opened" in site.text("/batches")
    assert f"{batch.id} {ODD} closed 3 3 0 0 0 " in site.text("/batches")

    drain(batch.app, "payments")

    assert re.search(r"complete .* 3 0 2 1 0 ", site.text("/batches"))
    assert "<script>alert" not in site.get("/batches").text
    nothing = site.text("/batches?queue=payments")
    assert "There is no batch in payments. Open one: with Batch()" in nothing


def test_a_batch_is_cancelled(batch: Batch, site: Site) -> None:
    page = site.post("/batches/cancel", "/batches", batch=batch.id)

    assert f"{batch.id} is cancelled." in page.text
    assert batch.app.monitor.peek("payments") == []
    # Until a worker of their queue tells the batch, the members are pending.
    assert f"{ODD} cancelled 3 3 0 0 0 " in site.text("/batches")


def test_members_that_never_came_count_as_lost(
    batch: Batch, site: Site, buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    buoy_app.command("DEL", buoy_app.key("payments", "jobs"), buoy_app.key("payments", "queued"))
    monkeypatch.setattr("buoy.operations.lost_members.OLD_SECONDS", -60.0)

    page = site.post("/batches/repair", "/batches", batch=batch.id)

    assert f"{batch.id}: 3 members count as lost." in page.text


@pytest.mark.parametrize("id", ["reports:nope", "nonsense", "", "a b:c"])
def test_a_batch_that_is_not_known_is_refused(batch: Batch, site: Site, id: str) -> None:
    for path in ("/batches/cancel", "/batches/repair"):
        answer = site.post(path, "/batches", batch=id)
        assert answer.status_code == 400
        assert "expected" in answer.text


def test_a_viewer_is_offered_no_action(batch: Batch, browser: Browser) -> None:
    text = browser(authorize=lambda _: "viewer").get("/batches").text

    assert batch.id in text
    assert "batches/cancel" not in text


def test_the_page_of_a_job_names_its_batch_and_no_claim(batch: Batch, site: Site) -> None:
    [job, *_] = batch.app.monitor.peek("payments")

    text = site.text(f"/jobs/{job.id}")

    assert f"Batches {batch.id}" in text
    assert job.claims == ()
    assert 'href="/batches?queue=reports"' in site.get(f"/jobs/{job.id}").text


def test_of_many_batches_the_page_shows_the_newest(buoy_app: App, site: Site) -> None:
    for number in range(60):
        Batch(queue="reports", description=f"nightly {number:02}").close()
    with Batch(queue="reports", description="still open") as last:
        last.enqueue(Charge, 1)

    text = site.text("/batches")

    assert text.index("still open") < text.index("nightly 59")
    assert "nightly 01" not in text
    assert "The newest 50, those that are not complete first" in text
