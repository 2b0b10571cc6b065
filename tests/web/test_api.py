"""What programs do: they read pages as JSON, and make changes by it."""

from typing import Any

import pytest
from httpx import Response

from buoy import App
from buoy_scheduler import enqueue_many_in
from buoy_web import Person

from .conftest import Browser, Site
from .jobs import Charge


@pytest.fixture(autouse=True)
def queue(buoy_app: App) -> None:
    Charge.enqueue(1)


def send(site: Site, path: str, fields: Any = None, **headers: str) -> Response:
    """POST JSON, as a program does."""
    found: Response = site.client.post(f"/api/{path}", json=fields or {}, headers=headers)
    return found


def is_paused(app: App) -> bool:
    return app.monitor.queues(["payments"])[0].paused


def test_a_program_makes_a_change_which_is_in_the_audit_log(
    browser: Browser, buoy_app: App
) -> None:
    site = browser(lambda _: Person("operator", "deploy"))

    response = send(site, "queues/payments/pause")

    said = "payments is paused: workers take nothing from it."
    assert (response.status_code, response.json()) == (200, {"said": said, "undo": ""})
    assert is_paused(buoy_app)
    [entry] = site.get("/api/audit").json()["entries"]
    assert (entry["who"], entry["action"], entry["said"]) == (
        "deploy",
        "/queues/payments/pause",
        said,
    )


def test_fields_may_be_lists(site: Site, buoy_app: App) -> None:
    ids = enqueue_many_in(900, Charge, [(2,), (3,), (4,)])

    response = send(site, "delayed/cancel", {"id": [handle.id for handle in ids[1:]]})

    assert response.json()["said"] == "2 jobs are cancelled."
    assert [job.id for job in buoy_app.monitor.delayed("payments")] == [ids[0].id]
    assert send(site, "delayed/cancel", {"all": True}).json()["said"] == "1 job is cancelled."


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site", "origin": "http://shop.example"},
    ],
)
def test_a_browser_on_another_site_changes_nothing(
    site: Site, buoy_app: App, headers: dict[str, str]
) -> None:
    response = send(site, "queues/payments/pause", **headers)

    assert (response.status_code, response.json()["error"]) == (403, "Not done")
    assert not is_paused(buoy_app)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_what_another_site_may_send_without_being_asked_changes_nothing(
    site: Site, buoy_app: App, kind: str
) -> None:
    response = site.client.post(
        "/api/queues/payments/pause", content=b"{}", headers={"content-type": kind}
    )

    assert response.status_code == 403
    assert response.json()["message"] == (
        "Expected content-type: application/json, and no request of another site."
    )
    assert not is_paused(buoy_app)


@pytest.mark.parametrize("body", [b"[]", b"{", b'"x"', b"[" * 100_000, b"\xff"])
def test_what_is_no_object_is_refused(site: Site, body: bytes) -> None:
    response = site.client.post(
        "/api/failed/retry", content=body, headers={"content-type": "application/json"}
    )

    assert response.status_code == 400
    assert response.json()["message"] == "expected a JSON object with the fields of the action"


def test_a_field_that_is_no_text_is_refused(site: Site) -> None:
    response = send(site, "failed/retry", {"id": {"a": 1}})

    assert response.json() == {
        "error": "That does not work",
        "message": "'id': expected a text, a number, true or false, or a list of them",
    }


def test_roles_and_read_only_hold_for_programs_too(browser: Browser, buoy_app: App) -> None:
    for site, why in (
        (browser(lambda _: "viewer"), "This needs the role operator; you are viewer."),
        (browser(read_only=True), "This dashboard is read-only."),
    ):
        response = send(site, "queues/payments/pause")
        assert (response.status_code, response.json()["message"]) == (403, why)
    assert send(browser(lambda _: None), "queues/payments/pause").status_code == 403
    assert not is_paused(buoy_app)


def test_an_action_is_not_done_by_get(site: Site, buoy_app: App) -> None:
    assert site.get("/api/failed/retry").status_code == 405
    assert site.get("/api/failed/retry").json()["error"] == "Not done"
    site.get("/api/queues/payments/pause")
    assert not is_paused(buoy_app)


@pytest.mark.parametrize(("ask", "status"), [("", 403), ('Basic realm="buoy"', 401)])
def test_who_is_refused_is_told_as_json(browser: Browser, ask: str, status: int) -> None:
    site = browser(lambda _: None, ask=ask)

    response = site.get("/api/failed")

    assert response.status_code == status
    assert response.headers.get("www-authenticate", "") == ask
    assert response.json() == {
        "error": "Not allowed",
        "message": "You may not see this dashboard: its function authorize returned None for this "
        "request. (buoy web without --login answers at localhost and at 127.0.0.1 only.)",
    }
    assert site.get("/failed").headers["content-type"].startswith("text/plain")
