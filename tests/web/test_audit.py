"""The audit log: what was changed, when, by whom."""

import pytest

from buoy import App
from buoy.testing import drain
from buoy_web import Person
from buoy_web.audit import audit_key, note

from .conftest import Site
from .jobs import Charge

ANN, BOB = Person("admin", "Ann"), Person("operator", "bob")


@pytest.fixture
def changes(buoy_app: App) -> None:
    note(buoy_app, ANN, "/failed/remove", "3 jobs are removed.")
    note(buoy_app, BOB, "/queues/mail/pause", "mail is paused.")
    note(buoy_app, BOB, "/queues/mail/resume", "mail is resumed.")


def said(site: Site, query: str = "") -> list[str]:
    return [each["said"] for each in site.get(f"/api/audit{query}").json()["entries"]]


@pytest.mark.usefixtures("changes")
@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", ["mail is resumed.", "mail is paused.", "3 jobs are removed."]),
        ("?who=ANN", ["3 jobs are removed."]),
        ("?who=operator&what=pause", ["mail is paused."]),
        ("?what=failed/", ["3 jobs are removed."]),
        ("?age=1h&who=bob", ["mail is resumed.", "mail is paused."]),
        ("?who=nobody", []),
    ],
)
def test_it_is_filtered(site: Site, query: str, wanted: list[str]) -> None:
    assert said(site, query) == wanted


def test_older_changes_are_left_out(site: Site, buoy_app: App) -> None:
    text = '{"who": "x", "role": "admin", "action": "/x", "said": "long ago"}'
    buoy_app.command("XADD", audit_key(buoy_app), "1000-0", "entry", text)

    assert said(site) == ["long ago"]
    assert said(site, "?age=7d") == []
    assert "No change matches this filter." in site.text("/audit?age=7d")
    assert said(site, "?age=999999999w") == ["long ago"]
    assert "expected an age like" in site.get("/audit?age=soon").text


def test_it_comes_in_pages(site: Site, buoy_app: App) -> None:
    for number in range(130):
        note(buoy_app, ANN, "/x", f"change {number}")

    assert said(site)[0] == "change 129"
    assert said(site, "?start=100") == [f"change {number}" for number in reversed(range(30))]
    assert "101 to 130 of 130" in site.text("/audit?start=100")
    assert "start=100" in site.get("/audit").text


def test_what_others_have_written_there_is_skipped(site: Site, buoy_app: App) -> None:
    for words in (["a", "b"], ["entry", "[]"], ["entry", '{"who": 1}'], ["entry", b"\xff"]):
        buoy_app.command("XADD", audit_key(buoy_app), "*", *words)
    note(buoy_app, ANN, "/x", "right")

    assert said(site) == ["right"]


@pytest.mark.parametrize(("count", "more"), [(1, ""), (3, ""), (5, ", and 2 more")])
def test_it_tells_the_ids_that_a_form_has_named(
    site: Site, buoy_app: App, count: int, more: str
) -> None:
    ids = [Charge.enqueue(-1).id for _ in range(count)]
    drain(buoy_app, "payments")

    site.post("/failed/retry", "/failed", id=ids)

    done = "1 job is" if count == 1 else f"{count} jobs are"
    assert said(site) == [f"{done} queued again. ({', '.join(ids[:3])}{more})"]


def test_it_tells_no_ids_of_all_that_match_and_none_twice(site: Site, buoy_app: App) -> None:
    id = Charge.enqueue(-1).id
    drain(buoy_app, "payments")

    site.post("/failed/retry", "/failed", all="yes")
    site.post(f"/jobs/{id}/cancel", f"/jobs/{id}")

    assert said(site) == [f"{id} is cancelled; it was queued.", "1 job is queued again."]
