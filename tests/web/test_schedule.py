"""The page of the schedule: the last runs of entries, and the form that adds and edits them."""

import json
import re
from typing import Any

import pytest

from buoy import App, Job
from buoy.testing import FakeWorker
from buoy_scheduler import get_schedule, set_schedule
from buoy_scheduler.targets import job_of, target_of

from .conftest import Browser, Site, words
from .jobs import Charge

FORM = "/schedule/entry"
ODD = "a/b?c#d <script>alert(1)</script> & \"quotes\" 'too' +%41"


class Pay(Job):
    queue = "payments"
    redact = ("card",)

    def perform(self, order: int, card: str, more: Any = None) -> None: ...


@pytest.fixture(autouse=True)
def no_other_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classes that other tests have declared are on no schedule here."""
    monkeypatch.setattr("buoy_scheduler.schedule.declared_crons", lambda: iter(()))


def row_of(site: Site, name: str) -> dict[str, Any]:
    rows = site.get("/api/schedule").json()["entries"]
    return next(row for row in rows if row["name"] == name)


def added(site: Site, **fields: str) -> str:
    """Adds an entry by the form; returns the text of the page after it."""
    given = {"new": "yes", "name": "nightly", "class": Charge.name, "cron": "0 8 * * *"}
    given |= {"tz": "UTC", "args": "[7]", "missed": "once", "overlap": "yes", "back": "/schedule"}
    return site.post("/schedule/set", FORM, **{**given, **fields}).text


class TestLastRuns:
    def test_each_run_says_what_has_become_of_its_job(self, site: Site, buoy_app: App) -> None:
        set_schedule("nightly", Charge, cron="0 8 * * *", args=[7])
        set_schedule("wrong", Charge, cron="0 8 * * *", args=[-1])
        for name in ("nightly", "wrong", "nightly"):
            site.post("/schedule/run", "/schedule", name=name)
        worker = FakeWorker(buoy_app, "payments")
        for _ in range(2):
            worker.run(worker.take())

        assert [run["state"] for run in row_of(site, "nightly")["runs"]] == ["queued", "ended"]
        [failed] = row_of(site, "wrong")["runs"]
        assert (failed["state"], failed["error"]) == ("failed", "ValueError")
        assert f'href="/jobs/{failed["id"]}"' in site.get("/schedule").text

    def test_the_last_five_are_kept(self, site: Site, buoy_app: App) -> None:
        set_schedule("nightly", Charge, cron="0 8 * * *", args=[7])
        for _ in range(7):
            site.post("/schedule/run", "/schedule", name="nightly")

        ids = [job.id for job in buoy_app.monitor.peek("payments", 0, 10)]
        runs = row_of(site, "nightly")["runs"]
        assert [run["id"] for run in runs] == ids[::-1][:5]
        assert buoy_app.command("TTL", buoy_app.key("payments", "scheduler", "runs", "nightly")) > 0

    def test_a_tick_that_was_fired_before_is_no_run(self, site: Site, buoy_app: App) -> None:
        entry = set_schedule("nightly", Charge, cron="0 8 * * *", args=[7])
        for tick in (28_800, 28_800, 115_200):
            buoy_app.submit(job_of(entry, target_of(entry), tick))

        runs = row_of(site, "nightly")["runs"]
        assert [(run["at"], run["state"]) for run in runs] == [
            (115_200, "queued"),
            (28_800, "queued"),
        ]

    def test_what_others_have_written_there_is_skipped(self, site: Site, buoy_app: App) -> None:
        set_schedule("nightly", Charge, cron="0 8 * * *", args=[7])
        key = buoy_app.key("payments", "scheduler", "runs", "nightly")
        buoy_app.command("RPUSH", key, b"\xff", "x y", "99999999999 a", "5 ", "5 a b")
        assert [run["id"] for run in row_of(site, "nightly")["runs"]] == ["a b"]

        buoy_app.command("DEL", key)
        buoy_app.command("SET", key, "text")
        assert row_of(site, "nightly")["runs"] == []

    def test_next_runs_are_shown_in_both_zones(self, site: Site) -> None:
        set_schedule("nightly", Charge, cron="0 8 * * *", args=[7], tz="Asia/Tokyo")

        html = site.get("/schedule").text

        pattern = r'08:00:00 JST · <time [^>]*data-clock="time">\d\d \w+ 23:00 UTC<'
        assert len(re.findall(pattern, html)) == 3


class TestForm:
    def test_an_entry_is_added(self, site: Site) -> None:
        page = added(site, name=ODD, cron="", every="5m", description="d", queue="mail")

        assert "is set: every 5 minutes." in words(page)
        [entry] = get_schedule().values()
        assert (entry.name, entry.job, entry.every, entry.args) == (ODD, Charge.name, 300, "[7]")
        assert (entry.description, entry.queue, entry.overlap) == ("d", "mail", True)
        assert "<script>alert" not in page

    @pytest.mark.parametrize(
        ("fields", "problem"),
        [
            ({"name": " "}, "name: expected a name, got ''"),
            ({"class": ""}, "class: expected the name of a job class, got ''"),
            ({"class": "shop.No"}, "expected a job class of the app, or a queue"),
            ({"cron": "61 * * * *"}, "cron: expected"),
            ({"cron": ""}, "when: expected either cron or every, got 'neither'"),
            ({"every": "5m"}, "when: expected either cron or every, got 'cron and every'"),
            ({"every": "5", "cron": ""}, "every: expected a duration with its unit, like 5s"),
            ({"tz": "Mars/Sea"}, "Mars/Sea"),
            ({"args": "7"}, "args: expected a list as JSON, like [42, \"eu\"], got '7'"),
            ({"args": "[" * 9000}, "args: expected a list as JSON"),
            ({"args": "[1, 2, 3]"}, "but too many positional arguments"),
            ({"missed": "-1"}, "missed: expected skip, once, all, or how many"),
            ({"queue": "a b"}, "queue"),
        ],
    )
    def test_what_is_wrong_is_said_at_the_form_which_keeps_what_was_typed(
        self, site: Site, fields: dict[str, str], problem: str
    ) -> None:
        page = added(site, **{"description": "<mine>", **fields})

        assert problem in words(page)
        assert 'value="&lt;mine&gt;"' in page
        assert get_schedule() == {}
        typed = {"name": "nightly", "cron": "0 8 * * *", **fields}
        for name in ("name", "cron"):
            assert re.search(rf'name="{name}" value="{re.escape(typed[name])}"', page)
        assert "Add" in words(page)

    def test_a_name_that_an_entry_has_is_refused(self, site: Site) -> None:
        added(site)

        assert "name: expected one that no entry has yet, got 'nightly'" in words(added(site))

    def test_an_entry_is_edited(self, site: Site) -> None:
        added(site, overlap="")
        page = site.get(f"{FORM}?name=nightly").text
        assert 'name="cron" value="0 8 * * *"' in page
        assert "checked" not in page

        added(site, new="", cron="", every="90s", missed="7")

        assert "nightly is set: every 1 minute 30 seconds." in site.text("/audit")
        entry = get_schedule()["nightly"]
        assert (entry.cron, entry.every, entry.missed, entry.overlap) == (None, 90, 7, True)

    def test_hidden_arguments_are_not_shown_and_stay_as_they_are(
        self, site: Site, caplog: pytest.LogCaptureFixture
    ) -> None:
        set_schedule("pay", Pay, every="5m", args=[1, "4111-card", {"card": "4222-card"}])
        hidden = '[1, "[redacted]", {"card": "[redacted]"}]'
        for path in ("/schedule", "/api/schedule", f"{FORM}?name=pay", f"/api{FORM}?name=pay"):
            text = site.get(path).text
            assert "4111-card" not in text
            assert "4222-card" not in text
            assert "[redacted]" in text

        fields = {"new": "", "name": "pay", "cron": "", "every": "6m", "class": Pay.name}
        added(site, args=hidden.replace("1,", "2,"), **fields)
        entry = get_schedule()["pay"]
        assert (entry.every, json.loads(entry.args)) == (
            360,
            [2, "4111-card", {"card": "4222-card"}],
        )

        page = added(site, args='["[redacted]", {"card": "[redacted]"}]', **fields)
        assert "write all hidden values of that list" in words(page)
        assert get_schedule()["pay"] == entry

        page = added(site, **{**fields, "class": Charge.name}, args='[2, "[redacted]"]')
        assert "args: expected all values, since the class is another one" in words(page)
        assert get_schedule()["pay"] == entry

    def test_entries_of_files_are_edited_there(
        self, site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
    ) -> None:
        file = tmp_path / "schedule.yml"
        file.write_text(f"weekly: {{cron: '0 0 * * 1', class: {Charge.name}, args: [1]}}\n")
        monkeypatch.setenv("BUOY_SCHEDULE", str(file))

        assert "weekly from the file" in site.text("/schedule")
        assert "Edit" not in site.text("/schedule")
        assert site.get(f"{FORM}?name=weekly").status_code == 404
        said = added(site, new="", name="weekly")
        assert "No entry weekly was set at run time; those of classes and files are" in words(said)
        assert "name: expected one that no entry has yet" in words(added(site, name="weekly"))

    def test_an_entry_is_removed(self, site: Site) -> None:
        added(site)

        page = site.post(
            "/schedule/remove", f"{FORM}?name=nightly", name="nightly", back="/schedule"
        )

        assert "nightly is removed." in words(page.text)
        assert get_schedule() == {}
        again = site.post("/schedule/remove", FORM, name="nightly")
        assert "No entry nightly was set at run time (any more)." in words(again.text)

    def test_only_admins_add_edit_and_remove(self, browser: Browser) -> None:
        set_schedule("nightly", Charge, every=60, args=[7])
        site = browser(lambda _: "operator")

        assert "Add an entry" not in site.text("/schedule")
        assert "Entries are edited by admins." in site.text(FORM)
        for action in ("set", "remove"):
            response = site.client.post(f"/api/schedule/{action}", json={"name": "nightly"})
            assert response.status_code == 403
        assert list(get_schedule()) == ["nightly"]

    def test_a_program_adds_one_too(self, site: Site) -> None:
        fields = {"new": True, "name": "n", "class": Charge.name, "every": "5m", "args": "[1]"}

        assert site.client.post("/api/schedule/set", json=fields).status_code == 200
        wrong = site.client.post("/api/schedule/set", json=fields)
        assert wrong.status_code == 400
        assert "name: expected one that no entry has yet" in wrong.json()["message"]
