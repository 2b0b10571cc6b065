"""Pages that packages of plugins add: the schedule, unique jobs, and how any package adds one."""

import logging
import re
from importlib.metadata import EntryPoint
from typing import Any

import pytest

import buoy_web.installed
from buoy import App, Job
from buoy.testing import FakeWorker
from buoy_limits import Debounce, Limit, Rate, Throttle
from buoy_loner import Loner, holder
from buoy_scheduler import remove_schedule, set_schedule
from buoy_scheduler.store import Store
from buoy_web import Action, Page

from .conftest import Browser, Site
from .jobs import Charge


class Ship(Job):
    queue = "parcels"
    plugins = [Loner()]

    def perform(self, order: int) -> None: ...


class Weigh(Job):
    queue = "parcels"
    plugins = [Limit(at_once=2, key="order")]

    def perform(self, order: object) -> None: ...


class Label(Weigh):
    plugins = [Rate(6, per=3600)]


class Greet(Weigh):
    plugins = [Throttle(60)]


class Index(Weigh):
    plugins = [Debounce(60)]


@pytest.fixture(autouse=True)
def no_other_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classes that other tests have declared are on no schedule here."""
    monkeypatch.setattr("buoy_scheduler.schedule.declared_crons", lambda: iter(()))


SLASHED = [Action("/x", lambda visit: "done")]
UNFOUND = [Page("x", lambda visit: {}, "nowhere/x.html")]
ODD = "a/b?c#d <script>alert(1)</script> & \"quotes\" 'too'"
"""A name that needs care in addresses, in HTML and in forms."""


class TestSchedule:
    @pytest.fixture(autouse=True)
    def entries(self, buoy_app: App) -> None:
        set_schedule("nightly", Charge, cron="0 8 * * *", tz="Europe/Berlin", args=[7])
        set_schedule(ODD, Charge, every="5m", args=[8], description="<b>bold</b>")

    def test_it_tells_when_entries_fire_in_their_zones(self, site: Site) -> None:
        text = site.text("/schedule")

        assert "nightly set at run time at 08:00 (Europe/Berlin)" in text
        assert len(re.findall(r"\w{3} \d{4}-\d\d-\d\d 08:00:00 CES?T", text)) == 3
        assert f"{ODD} <b>bold</b> set at run time every 5 minutes" in text
        assert "No scheduler has ever polled: no entry fires." in text

    def test_nothing_of_an_entry_becomes_html(self, site: Site) -> None:
        html = site.get("/schedule").text

        assert "<script>alert" not in html
        assert "<b>bold" not in html

    @pytest.mark.parametrize("name", ["nightly", ODD])
    def test_an_entry_runs_now(self, site: Site, buoy_app: App, name: str) -> None:
        page = site.post("/schedule/run", "/schedule", name=name)

        [job] = buoy_app.monitor.peek("payments")
        assert job.plugin_data["scheduler"]["entry"] == name
        assert f"job {job.id} is queued in payments." in page.text

    @pytest.mark.parametrize("name", ["nightly", ODD])
    def test_an_entry_is_paused_and_resumed(self, site: Site, buoy_app: App, name: str) -> None:
        site.post("/schedule/pause", "/schedule", name=name)
        assert Store(buoy_app).load().paused == {name}
        assert f"{name} paused" in site.text("/schedule")

        site.post("/schedule/resume", "/schedule", name=name)
        assert Store(buoy_app).load().paused == set()
        assert f"{name} is resumed." in site.text("/audit")

    def test_a_pause_of_an_entry_that_is_gone_can_be_ended(self, site: Site, buoy_app: App) -> None:
        site.post("/schedule/pause", "/schedule", name="nightly")
        remove_schedule("nightly")
        Store(buoy_app).pause("nightly")
        assert "nightly is paused, but it is in no schedule here. Resume" in site.text("/schedule")

        site.post("/schedule/resume", "/schedule", name="nightly")
        assert Store(buoy_app).load().paused == set()

    @pytest.mark.parametrize("action", ["run", "pause"])
    def test_an_entry_that_is_gone_is_said(self, site: Site, action: str) -> None:
        response = site.post(f"/schedule/{action}", "/schedule", name="other")

        assert response.status_code == 404
        assert "The schedule has no entry other (any more)." in response.text

    def test_an_entry_that_daemons_leave_out_says_why(self, site: Site) -> None:
        set_schedule("typo", "shop.Nothing", every=60)

        text = site.text("/schedule")
        assert (
            "typo left out set at run time every minute schedule entry 'typo': class: expected"
            in text
        )
        response = site.post("/schedule/run", "/schedule", name="typo")
        assert response.status_code == 400
        assert "class: expected" in response.text

    def test_a_viewer_has_no_buttons(self, browser: Browser) -> None:
        assert "<form method" not in browser(lambda _: "viewer").get("/schedule").text

    def test_the_file_of_the_settings_counts(
        self, site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
    ) -> None:
        file = tmp_path / "schedule.yml"
        file.write_text(f"weekly: {{cron: '0 0 * * 1', class: {Charge.name}, args: [1]}}\n")
        monkeypatch.setenv("BUOY_SCHEDULE", str(file))

        assert "weekly" in site.text("/schedule")


class Pay(Job):
    queue = "payments"
    redact = ("card",)

    def perform(self, order: int, card: str, **more: str) -> None: ...


@pytest.mark.parametrize("args", [[7, "4111-card"], [7], [7, "4111-card", 1, 2]])
def test_no_entry_tells_what_is_hidden(site: Site, args: list[object]) -> None:
    """Also not an entry that daemons leave out, since its arguments are too few or too many."""
    if len(args) == 2:
        set_schedule("hourly", Pay, every="1h", args=args)
        assert '[7, "[redacted]"]' in site.text("/schedule")
    else:
        set_schedule("hourly", Pay.name, every="1h", args=args)
        assert '["[redacted]"]' in site.text("/schedule")
    assert "4111-card" not in site.get("/schedule").text
    assert "4111-card" not in site.get("/api/schedule").text


def test_a_schedule_without_entries_says_how_to_make_one(site: Site) -> None:
    assert "The schedule has no entries. Declare one" in site.text("/schedule")


class TestUniqueJobs:
    def test_it_shows_who_holds_which_claim(self, site: Site) -> None:
        id = Ship.enqueue(1).id

        text = site.text("/unique")
        assert f"{id} {Ship.name} 1 parcels queued since" in text
        assert "ago , until it ends" in text
        assert "loner:" in text

    @pytest.mark.parametrize("by", ["class", "arguments", "id", "claim"])
    def test_it_is_searched(self, site: Site, buoy_app: App, by: str) -> None:
        wanted, _ = (Ship.enqueue(order) for order in (4711, 12))
        [claim] = [
            each.claim for each in buoy_app.monitor.claims("parcels") if each.id == wanted.id
        ]
        text = {"class": "SHIP", "arguments": "4711", "id": wanted.id, "claim": claim}[by]

        shown = site.get(f"/api/unique?q={text}").json()["claims"]
        assert wanted.id in [each["id"] for each in shown]
        assert len(shown) == (2 if by == "class" else 1)
        assert site.get("/api/unique?q=nothing").json()["claims"] == []
        assert "No holder of a claim matches this filter." in site.text("/unique?q=nothing")

    def test_to_release_the_claim_of_a_running_job_is_warned_of(
        self, site: Site, buoy_app: App
    ) -> None:
        Ship.enqueue(1)
        assert "It runs" not in site.text("/unique")
        FakeWorker(buoy_app, "parcels").take()

        assert "It runs: an equal job may run beside it then." in site.text("/unique")

    def test_a_claim_is_released_and_its_job_stays(self, site: Site, buoy_app: App) -> None:
        id = Ship.enqueue(1).id
        [claim] = buoy_app.monitor.claims("parcels")
        fields = {"queue": "parcels", "claim": claim.claim, "id": id}

        page = site.post("/unique/release", "/unique", **fields)

        assert f"job {id} continues without it." in page.text
        assert holder(Ship, 1) is None
        assert [job.id for job in buoy_app.monitor.peek("parcels")] == [id]

    def test_a_claim_that_another_job_holds_now_is_kept(self, site: Site, buoy_app: App) -> None:
        id = Ship.enqueue(1).id
        [claim] = buoy_app.monitor.claims("parcels")

        response = site.post(
            "/unique/release", "/unique", queue="parcels", claim=claim.claim, id="other"
        )

        assert response.status_code == 404
        assert "Job other does not hold this claim any more." in response.text
        assert holder(Ship, 1) == id

    def test_many_claims_come_in_pages(self, site: Site) -> None:
        Ship.enqueue_many([(order,) for order in range(400)])
        ids: list[str] = []
        query = {"queue": "parcels"}
        for _ in range(20):
            page = site.client.get("/api/unique", params=query).json()
            ids += [claim["id"] for claim in page["claims"]]
            query["after"] = page["next"]
            if not page["next"]:
                break

        assert len(page["claims"]) < 300
        assert len(set(ids)) == 400

    def test_an_address_that_the_page_has_not_made_is_told(self, site: Site) -> None:
        for text in ("x", "[1]", '["a", -1]', '["a", 1.5]', "[" * 9999):
            response = site.client.get("/unique", params={"after": text})
            assert response.status_code == 400
            assert "after: expected an address of this dashboard, got" in response.text

    def test_no_claims_say_so(self, site: Site) -> None:
        assert "No claim is held." in site.text("/unique")


class TestLimits:
    KEY = f"Limit:{Weigh.name} order=1"

    def test_it_shows_how_many_jobs_each_limit_counts_and_blocks(self, site: Site) -> None:
        Weigh.enqueue_many([(order,) for order in (2, 1, 1, 1)])

        assert f"{self.KEY} parcels 2 2 1" in site.text("/limits")
        assert site.get("/api/limits?q=ORDER%3D2").json()["total"] == 1
        assert site.get("/api/limits?queue=nowhere").json()["limits"] == []
        assert "No key matches this filter." in site.text("/limits?q=nothing")

    def test_a_limit_is_set_and_reset(self, site: Site, buoy_app: App) -> None:
        Weigh.enqueue_many([(1,)] * 4)
        fields = {"queue": "parcels", "key": self.KEY}

        page = site.post("/limits/set", "/limits", **fields, limit="3")
        assert f"{self.KEY}: 3; 1 job was queued." in page.text
        assert f"{self.KEY} parcels 3 3 set 1" in site.text("/limits")
        page = site.post("/limits/set", "/limits", **fields, limit="")
        assert f"{self.KEY}: as declared; 0 jobs were queued." in page.text

        for wrong in ("x", "-1", "1.5", "9" * 99, "²"):
            response = site.post("/limits/set", "/limits", **fields, limit=wrong)
            assert response.status_code == 400
            assert "limit: expected a whole number, 0 to 1000000, got" in response.text
        response = site.post("/limits/set", "/limits", queue="parcels", key="a\nb", limit="1")
        assert response.status_code == 400

    def test_nothing_of_a_key_becomes_html(self, site: Site) -> None:
        Weigh.enqueue_many([(ODD,)] * 3)

        assert "<script>alert" not in site.get("/limits").text
        assert site.get("/api/limits").json()["limits"][0]["blocked"] == 1

    def test_a_blocked_job_is_found_and_says_what_it_waits_for(self, site: Site) -> None:
        [*_, last] = Weigh.enqueue_many([(1,)] * 3)

        assert last.id in site.text("/jobs?q=state:blocked")
        assert "blocked 1" in site.text("/queues/parcels?state=blocked")
        text = site.text(f"/jobs/{last.id}")
        assert self.KEY in text
        assert "waits for a permit" in text
        assert "This job is queued as soon as one of them ends." in text

    def test_a_rate_is_shown_set_and_reset(self, site: Site) -> None:
        Label.enqueue_many([(1,)] * 3)
        key = f"Rate:{Label.name}"
        fields = {"queue": "parcels", "key": key}

        text = site.text("/limits")
        assert f"{key} parcels 6/3600" in text
        [row] = site.get("/api/limits").json()["rates"]
        assert (row["limit"], row["delayed"], row["set"]) == ("6/3600", 2, None)
        page = site.post("/limits/set", "/limits", **fields, limit="1/2 burst 2")
        assert f"{key}: 30/60 burst 2; 2 jobs were given other times." in page.text
        assert f"{key} parcels 30/60 burst 2 set" in site.text("/limits")
        page = site.post("/limits/set", "/limits", **fields, limit="")
        assert f"{key}: as declared; 2 jobs were given other times." in page.text
        response = site.post("/limits/set", "/limits", **fields, limit="5")
        assert response.status_code == 400
        assert "rate: expected jobs and seconds, such as 100/60" in response.text

    def test_a_throttle_is_shown_and_lifted(self, site: Site) -> None:
        first = Greet.enqueue(1)
        key = f"Throttle:{Greet.name}"
        fields = {"queue": "parcels", "key": key}

        assert f"{key} parcels" in site.text("/limits")
        assert site.get("/api/limits").json()["throttles"][0]["holder"] == first.id
        response = site.post("/limits/set", "/limits", **fields, limit="1")
        assert response.status_code == 400
        page = site.post("/limits/lift", "/limits", **fields)
        assert f"{key}: lifted; job {first.id} throttles no other one." in page.text
        assert Greet.enqueue(1).state == "queued"
        assert f"{key}: lifted;" in site.text("/audit")

    def test_a_burst_is_shown_with_the_job_that_waits(self, site: Site) -> None:
        waiting = Index.enqueue(1)

        assert f"Debounce:{Index.name} parcels" in site.text("/limits")
        assert site.get("/api/limits").json()["debounces"][0]["holder"] == waiting.id

    def test_no_limits_say_so(self, site: Site) -> None:
        assert "No limit counts any job. Declare one on a class: plugins" in site.text("/limits")


class TestAnyPackage:
    @pytest.fixture
    def points(self, monkeypatch: pytest.MonkeyPatch) -> list[EntryPoint]:
        """Entry points of packages; the dashboard finds these only."""
        found: list[EntryPoint] = []
        monkeypatch.setattr(buoy_web.installed, "entry_points", lambda group: found)
        return found

    @pytest.mark.parametrize(
        ("value", "said"),
        [
            ("nowhere:PARTS", "No module named 'nowhere'"),
            (f"{__name__}:SLASHED", "SLASHED: expected a path without a slash in front, got '/x'"),
            (f"{__name__}:UNFOUND", "No module named 'nowhere'"),
            (
                "string:digits",
                "string:digits: expected a list of Page, Action, Card or Column, got ",
            ),
        ],
    )
    def test_pages_that_cannot_be_loaded_are_logged_and_left_out(
        self,
        browser: Browser,
        points: list[EntryPoint],
        caplog: pytest.LogCaptureFixture,
        value: str,
        said: str,
    ) -> None:
        points.append(EntryPoint("broken", value, "buoy.pages"))

        with caplog.at_level(logging.ERROR, "buoy.web"):
            assert "Overview" in browser().text("/")

        assert f"the pages of {value} cannot be loaded" in caplog.text
        assert said in caplog.text

    def test_without_their_packages_pages_are_not_there(
        self, browser: Browser, points: list[EntryPoint]
    ) -> None:
        site = browser()

        assert "Schedule" not in site.text("/")
        assert site.get("/schedule").status_code == 404
