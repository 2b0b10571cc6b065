"""What packages tell of a job on its page (cards), and in lists of jobs (columns)."""

import logging
import re
from importlib.metadata import EntryPoint
from typing import Any

import pytest

import buoy_web.installed
from buoy import App, Job
from buoy.testing import FakeWorker, drain
from buoy_history import History
from buoy_loner import Loner
from buoy_retry import Constant, Retry
from buoy_status import Status, progress
from buoy_steps import Steps, each, step
from buoy_web import Card, Column, Event

from .conftest import Browser, Site
from .jobs import Charge

HOSTILE = "<script>alert(1)</script>\x1b"


class Convert(Job):
    queue = "media"
    plugins = [Status(), Loner(), History(), Retry(limit=1, delay=Constant(600))]

    def perform(self, file: str) -> Any:
        if file == "broken":
            raise ValueError(HOSTILE)
        progress(self, 3, of=4, note=HOSTILE)
        if file == "odd":
            return object()
        return {"file": file}


def api(site: Site, id: str) -> dict[str, Any]:
    found: dict[str, Any] = site.client.get(f"/api/jobs/{id}").json()
    return found


def test_a_running_job_shows_its_progress_on_its_page_and_in_lists(
    site: Site, buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = Convert.enqueue("a.png").id
    seen: dict[str, str] = {}
    columns: list[Any] = []

    def look(self: Job, file: str) -> None:
        progress(self, 3, of=4, note=HOSTILE)
        seen["page"] = site.get(f"/jobs/{id}").text
        seen.update({path: site.text(path) for path in ("/jobs", "/queues/media?state=running")})
        columns.extend(site.client.get("/api/jobs").json()["columns"])

    monkeypatch.setattr(Convert, "perform", look)
    worker = FakeWorker(buoy_app, "media")
    worker.run(worker.take())

    assert '<progress max="1" value="0.75" aria-label="Progress">' in seen["page"]
    assert "3 of 4 · &lt;script&gt;alert(1)&lt;/script&gt;\\x1b" in seen["page"]
    assert 'hx-trigger="every 2s"' in seen["page"]
    assert "Progress" in seen["/jobs"]
    assert "75 %" in seen["/jobs"]
    assert "75 %" in seen["/queues/media?state=running"]
    assert columns == [{"title": "Progress", "cells": {id: "75 %"}}]


def test_lists_without_progress_have_no_such_column(site: Site) -> None:
    Convert.enqueue("a.png")

    assert "Progress" not in site.text("/jobs")


def test_a_job_that_has_ended_shows_result_and_life(site: Site, buoy_app: App) -> None:
    id = Convert.enqueue("a.png").id
    drain(buoy_app, "media")
    buoy_app.command("DEL", buoy_app.key("media", "ended"))

    text = site.text(f"/jobs/{id}")
    assert f"{Convert.name} done Id {id} Timeline Enqueued" in text
    assert "It is done. The last progress that it told: 3 of 4" in text
    assert "<progress" not in site.get(f"/jobs/{id}").text
    assert 'Result { "file": "a.png" }' in text
    assert [event["title"] for event in api(site, id)["events"]] == ["Enqueued", "Done"]
    assert 'hx-trigger="every' not in site.get(f"/jobs/{id}").text


def test_why_a_result_is_not_kept_is_said(site: Site, buoy_app: App) -> None:
    id = Convert.enqueue("odd").id
    drain(buoy_app, "media")

    assert (
        "Result result: expected str, int, float, bool, None, list or dict, got object"
        in site.text(f"/jobs/{id}")
    )


def test_a_cancelled_job_says_so(site: Site) -> None:
    id = Convert.enqueue("a.png").id
    page = site.post(f"/jobs/{id}/cancel", f"/jobs/{id}")

    assert "is cancelled" in page.text
    text = site.text(f"/jobs/{id}")
    assert f"Job {id} ended Timeline Ended" in text
    assert "The job was cancelled, or ended without a run." in text


def test_each_attempt_is_in_the_timeline_with_its_error(site: Site, buoy_app: App) -> None:
    id = Convert.enqueue("broken").id
    drain(buoy_app, "media", raise_errors=False)
    assert [event["title"] for event in api(site, id)["events"]] == [
        *("Enqueued", "Attempt 1 failed", "Due")
    ]

    buoy_app.reschedule(id)
    drain(buoy_app, "media", raise_errors=False)

    found = api(site, id)
    titles = [event["title"] for event in found["events"]]
    assert titles == ["Enqueued", "Attempt 1 failed", "Failed"]
    assert found["death"]["cause"] == "exception"
    text = site.text(f"/jobs/{id}")
    assert "Cause exception" in text
    assert "Traceback (most recent call last)" in text
    assert "<script>alert" not in site.get(f"/jobs/{id}").text


def test_a_unique_job_shows_its_claim_which_is_released_from_there(
    site: Site, buoy_app: App
) -> None:
    id = Convert.enqueue("a.png").id
    page = site.get(f"/jobs/{id}").text
    assert "held by this job" in page
    assert "Equal jobs are kept out while this job holds it" in page
    [claim] = api(site, id)["facts"]["loner"]["claims"]

    said = site.post("/unique/release", f"/jobs/{id}", queue="media", claim=claim, id=id)
    assert "is free" in said.text
    other = Convert.enqueue("a.png").id

    assert f"held by {other}" in site.text(f"/jobs/{id}")


class Import(Job):
    queue = "imports"
    plugins = [Steps()]
    redact = ("email",)

    def perform(self, most: int) -> None:
        for name in ("fetch", "check"):
            step(name)
        if step("import"):
            for row in each(rows, cursor=lambda row: row):
                if row["page"] == most:
                    raise ValueError


def rows(after: Any) -> Any:
    return [{"page": page, "email": "ann@shop.example", "more": "<x>" * 200} for page in range(5)]


class TestSteps:
    def failed(self, app: App, most: int) -> str:
        id = Import.enqueue(most).id
        drain(app, "imports", raise_errors=False)
        return id

    def test_a_job_shows_in_which_step_it_is_and_where_it_goes_on(
        self, site: Site, buoy_app: App
    ) -> None:
        text = site.text(f"/jobs/{self.failed(buoy_app, 2)}")

        assert "Steps Done fetch, check Step import Cursor" in text
        assert re.search(r"Kept 3 times, last [\w. ]+ ago Next run", text)
        assert "Crashes" not in text
        assert "Next run goes on in step 'import' behind its cursor" in text

    def test_a_thousand_times_are_shown_with_a_space(self, site: Site, buoy_app: App) -> None:
        job = buoy_app.build(Charge, 1)
        kept = {"done": [], "step": "a", "cursor": 1, "kept": 1234, "kept_at": 1e9}
        job.plugin_data["steps"] = kept
        buoy_app.submit(job)

        assert "Kept 1 234 times, last " in site.text(f"/jobs/{job.id}")

    def test_a_cursor_is_cut_and_what_nobody_is_to_see_is_not_in_it(
        self, site: Site, buoy_app: App
    ) -> None:
        id = self.failed(buoy_app, 2)
        page, known = site.get(f"/jobs/{id}").text, site.client.get(f"/api/jobs/{id}")

        assert "(646 characters)" in site.text(f"/jobs/{id}")
        assert "[redacted]" in page
        assert "ann@shop.example" not in page + known.text
        assert known.json()["facts"]["steps"]["cursor"]["page"] == 1

    def test_a_step_without_a_cursor_begins_anew(self, site: Site, buoy_app: App) -> None:
        text = site.text(f"/jobs/{self.failed(buoy_app, 0)}")

        assert "Step import, no cursor yet Kept" in text
        assert "Next run begins step 'import' anew" in text

    def test_crashes_in_a_step_are_counted(self, site: Site, buoy_app: App) -> None:
        id = Import.enqueue(9).id
        worker = FakeWorker(buoy_app, "imports")
        worker.kill(worker.take())

        text = site.text(f"/jobs/{id}")
        assert "Crashes 1 in this step Next run begins with its first step" in text


def test_a_viewer_releases_nothing(browser: Browser) -> None:
    id = Convert.enqueue("a.png").id

    assert "Release" not in browser(lambda _: "viewer").text(f"/jobs/{id}")


@pytest.mark.parametrize(
    "kept",
    [
        {"status": {"progress": HOSTILE, "state": ["done"]}},
        {"status": {"state": "done", "result": HOSTILE}},
        {"loner": {"claims": [HOSTILE]}},
        {"otel": {"trace": "javascript:alert(1)", "trace_id": HOSTILE}},
        {"otel": {"traceparent": HOSTILE}},
        {"scheduler": {"entry": HOSTILE, "tick": 1e300}},
        {"scheduler": {"entry": 1, "tick": HOSTILE}},
        {"history": {"ended_at": HOSTILE, "state": 1}},
        {"steps": [HOSTILE]},
        {"steps": {"done": HOSTILE, "next_run": HOSTILE, "kept": 1, "kept_at": HOSTILE}},
        {"steps": {"done": 5, "next_run": HOSTILE, "kept_at": {}, "crashes": HOSTILE}},
        {"steps": {"done": [HOSTILE], "step": HOSTILE, "cursor": {HOSTILE: HOSTILE}}},
        {"steps": {"done": [], "step": None, "cursor": 1e300, "kept": 1, "kept_at": 1e300}},
        {"steps": {"done": [], "step": "a", "cursor": 1, "kept": 2**62, "kept_at": 1e18}},
        {"retry": {"history": [HOSTILE]}},
        {"retry": {"get": 1, "items": 2}},
        {HOSTILE: {HOSTILE: HOSTILE}},
        {"broken": {"broken": [HOSTILE]}},
    ],
)
def test_facts_of_any_form_are_text_only(site: Site, buoy_app: App, kept: Any) -> None:
    job = buoy_app.build(Charge, 1)
    job.plugin_data.update(kept)
    id = buoy_app.submit(job).id

    response = site.get(f"/jobs/{id}")

    assert response.status_code == 200
    assert "<script>alert" not in response.text
    assert 'href="javascript' not in response.text


class TestTrace:
    TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"

    @pytest.fixture
    def id(self, buoy_app: App) -> str:
        job = buoy_app.build(Charge, 1)
        job.plugin_data["otel"] = {
            "traceparent": f"00-{self.TRACE}-00f067aa0ba902b7-01",
            "trace": "https://elsewhere.example",
        }
        return buoy_app.submit(job).id

    def test_a_job_links_to_its_trace(
        self, site: Site, id: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("BUOY_OTEL_TRACE_URL", "https://traces.example/{trace_id}?x=<&y")

        link = f'<a href="https://traces.example/{self.TRACE}?x=&lt;&amp;y" rel="noreferrer">'
        assert link in site.get(f"/jobs/{id}").text

    def test_without_the_setting_it_names_it(self, site: Site, id: str) -> None:
        page = site.get(f"/jobs/{id}").text

        assert self.TRACE in page
        assert "elsewhere.example" not in page

    @pytest.mark.parametrize(
        "wrong", ["javascript:{trace_id}", "https://x/", "https:///{trace_id}"]
    )
    def test_a_wrong_setting_is_said(
        self, site: Site, id: str, monkeypatch: pytest.MonkeyPatch, wrong: str
    ) -> None:
        monkeypatch.setenv("BUOY_OTEL_TRACE_URL", wrong)

        text = site.text(f"/jobs/{id}")
        assert "otel_trace_url: expected an http or https address with {trace_id} in it" in text


def broken(*_: Any) -> Any:
    raise ValueError("this card is broken")


NOTES = [
    Card("notes", "Notes", events=lambda facts, job: [Event(1.0, "ended", facts["note"])]),
    Card("more", events=broken),
    Card("hidden", template=None),
    Column("Note", lambda app, jobs: {job.id: f"<b>{job.name}</b>" for job in jobs}),
    Column("Empty", lambda app, jobs: {job.id: "" for job in jobs}),
    Column("Broken", broken),
]


class TestAnyPackage:
    @pytest.fixture
    def site(self, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> Site:
        points = [EntryPoint("notes", f"{__name__}:NOTES", "buoy.pages")]
        monkeypatch.setattr(buoy_web.installed, "entry_points", lambda group: points)
        return browser()

    def test_its_cards_show_what_it_keeps_with_jobs(self, site: Site, buoy_app: App) -> None:
        job = buoy_app.build(Charge, 1)
        job.plugin_data.update(notes={"note": "<b>"}, hidden={"secret": 1}, more={"a": 1})
        id = buoy_app.submit(job).id

        text = site.text(f"/jobs/{id}")
        assert "Notes note <b>" in text
        assert "From more a 1" in text
        assert "secret" not in text
        assert "function" not in site.get(f"/api/jobs/{id}").text
        assert [event["title"] for event in api(site, id)["events"]] == [
            *("Enqueued", "<b>", "Queued")
        ]

    def test_its_columns_are_in_lists_of_jobs(
        self, site: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        Charge.enqueue(1)

        with caplog.at_level(logging.ERROR, "buoy.web"):
            text = site.text("/jobs")

        assert f"Note {Charge.name}" not in text
        assert f"<b>{Charge.name}</b>" in text
        assert "Empty" not in text
        assert "Broken" not in text
        assert "the column Broken cannot be filled" in caplog.text
