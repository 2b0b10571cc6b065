"""Pages update themselves: what changes is shown, and what the reader does is not disturbed."""

from collections.abc import Awaitable, Callable
from contextlib import nullcontext

import pytest
from playwright.sync_api import Locator, Route, expect
from starlette.responses import HTMLResponse

from buoy import App
from buoy.testing import drain
from tests.support.processes import wait_until

from ..jobs import Charge
from .conftest import Open
from .tab import Tab

HIDE = """hidden => {
  Object.defineProperty(document, "hidden", {get: () => hidden, configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""
STILL = "/doctor"
"""A page that asks nothing, also not before its clock is the test's."""
Show = Callable[..., Tab]


@pytest.fixture
def show(buoy_app: App, open_tab: Open) -> Show:
    """Opens a page whose clock is the test's."""

    def shown(path: str) -> Tab:
        tab = open_tab(buoy_app, STILL, timezone_id="Asia/Tokyo", locale="de-DE")
        tab.page.clock.install()
        tab.go(path)
        expect(pulse(tab)).to_have_text("live")
        return tab

    return shown


def pulse(tab: Tab) -> Locator:
    return tab.page.locator("[data-pulse]")


@pytest.mark.parametrize("path", ["/", "/jobs", "/queues/payments", "/workers", "/failed"])
def test_what_happens_is_shown_without_loading_the_page(show: Show, path: str) -> None:
    Charge.enqueue(-1)
    tab = show(path)
    tab.page.evaluate("window.before = true")
    Charge.using(queue="urgent").enqueue(-2)
    Charge.using(queue="payments").enqueue(-3)

    drain(Charge.app, "payments", "urgent")
    with tab.page.expect_request(lambda request: request.headers.get("hx-request") == "true"):
        tab.pass_time(6)

    shown = {"/": "urgent", "/queues/payments": "failed 2", "/workers": "No worker runs"}
    tab.reads(shown.get(path, "-3"))
    assert tab.page.evaluate("window.before")
    assert tab.updates > 0


def test_a_hidden_page_asks_nothing_and_a_shown_one_asks_at_once(show: Show) -> None:
    Charge.enqueue(1)
    tab = show("/jobs")
    tab.page.evaluate(HIDE, True)
    tab.pass_time(60)
    assert tab.updates == 0
    Charge.enqueue(4711)

    tab.page.evaluate(HIDE, False)

    tab.reads("4711")
    assert tab.updates == 1


@pytest.mark.parametrize("path", ["/doctor", "/nothing/here"])
def test_a_page_that_does_not_change_asks_nothing(buoy_app: App, open_tab: Open, path: str) -> None:
    tab = open_tab(buoy_app, STILL, timezone_id="UTC")
    tab.page.clock.install()
    with nullcontext() if path == "/doctor" else tab.complains("404"):
        tab.go(path)

    tab.pass_time(60)

    assert tab.updates == 0
    tab.complaints.clear()  # one of them is not there


class TestReader:
    """What the reader does on a page stays as it is."""

    @pytest.fixture
    def tab(self, show: Show) -> Tab:
        for order in (-1, -2):
            Charge.enqueue(order)
        drain(Charge.app, "payments")
        return show("/failed")

    def fail_another(self) -> None:
        Charge.enqueue(-3)
        drain(Charge.app, "payments")

    def test_a_ticked_job_stays_ticked_and_no_other_is(self, tab: Tab) -> None:
        tab.pick("no order -1")
        self.fail_another()

        tab.pass_time(20)

        expect(tab.row("no order -1").get_by_role("checkbox")).to_be_checked()
        expect(tab.page.locator("td input:checked")).to_have_count(1)
        expect(pulse(tab)).to_have_text("paused")
        assert tab.updates == 0
        tab.row("no order -1").get_by_role("checkbox").uncheck()
        tab.page.locator("h1").click()
        tab.pass_time(6)
        tab.reads("no order -3")
        expect(pulse(tab)).to_have_text("live")

    def test_a_job_is_ticked_while_an_update_is_on_its_way(self, tab: Tab) -> None:
        held: list[Route] = []
        tab.page.route("**/failed", lambda route: held.append(route))  # noqa: PLW0108 - it wants a function
        with tab.page.expect_request("**/failed"):
            tab.pass_time(6)
        tab.pick("no order -2")
        self.fail_another()

        def is_held() -> bool:  # the browser has asked, and playwright may not have said so yet
            tab.page.wait_for_timeout(10)
            return bool(held)

        wait_until(is_held)
        for route in held:
            route.continue_()
        expect(pulse(tab)).to_have_text("paused")

        expect(tab.row("no order -2").get_by_role("checkbox")).to_be_checked()
        expect(tab.page.locator("td input:checked")).to_have_count(1)

    def test_an_opened_question_stays_open(self, tab: Tab) -> None:
        tab.page.get_by_text("Remove all 2…").click()
        self.fail_another()

        tab.pass_time(20)

        expect(tab.page.get_by_role("button", name="Yes, remove 2 jobs")).to_be_visible()

    def test_what_is_typed_stays(self, tab: Tab) -> None:
        field = tab.page.get_by_label("Filter", exact=True)
        field.fill("error:order")
        tab.page.locator("h1").click()
        self.fail_another()

        tab.pass_time(20)

        expect(field).to_have_value("error:order")

    def test_a_selected_text_stays_selected(self, tab: Tab) -> None:
        tab.page.locator("td .id").first.select_text()
        self.fail_another()

        tab.pass_time(20)

        assert len(tab.page.evaluate("getSelection().toString()")) == 28

    def test_the_focus_stays_where_it_is(self, tab: Tab) -> None:
        link = tab.page.get_by_role("link", name=Charge.name).first
        link.focus()
        self.fail_another()

        tab.pass_time(6)

        tab.reads("no order -3")
        expect(link).to_be_focused()

    def test_what_was_done_stays_said(self, tab: Tab) -> None:
        tab.press("Retry all 2")
        tab.said("2 jobs are queued again.")
        expect(pulse(tab)).to_have_text("live")  # the scripts of this page have begun
        self.fail_another()

        tab.pass_time(6)

        tab.reads("no order -3")
        tab.said("2 jobs are queued again.")


async def log_in(scope: object, receive: object, send: Callable[..., Awaitable[None]]) -> None:
    """The login page of a site whose session has ended."""
    await HTMLResponse("<h1>Log in</h1>")(scope, receive, send)  # type: ignore[arg-type]


def test_a_dashboard_that_is_away_is_told_and_comes_back(show: Show) -> None:
    Charge.enqueue(1)
    tab = show("/jobs")
    site = tab.site.site
    tab.site.site = log_in
    tab.pass_time(6)
    expect(pulse(tab)).to_have_text("offline")
    tab.reads("queued")

    with tab.complains("ERR_INTERNET_DISCONNECTED"):
        tab.page.context.set_offline(True)
        tab.pass_time(6)
    expect(pulse(tab)).to_have_text("offline")
    tab.complaints.clear()

    tab.page.context.set_offline(False)
    tab.site.site = site
    tab.pass_time(6)
    expect(pulse(tab)).to_have_text("live")
    tab.complaints.clear()


def test_times_are_those_of_the_reader(show: Show) -> None:
    Charge.using(delay=95_000).enqueue(1)
    tab = show("/delayed")
    when = tab.page.locator("td time")
    expect(when).to_have_text("in 1 d 2 h")
    exact = when.get_attribute("title") or ""
    assert (
        tab.page.evaluate(
            "at => new Date(at).toLocaleString('de-DE', {dateStyle: 'medium', timeStyle: 'medium', "
            "timeZone: 'Asia/Tokyo'})",
            when.get_attribute("datetime"),
        )
        == exact
    )

    tab.press("Times")
    expect(when).to_have_text(exact)
    tab.go("/delayed")
    expect(when).to_have_text(exact)
    tab.pass_time(6)
    expect(when).to_have_text(exact)
    tab.press("Times")
    expect(when).to_have_text("in 1 d 2 h")
