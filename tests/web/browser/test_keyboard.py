"""The main ways through the dashboard with the keyboard alone, on a phone, and without scripts."""

import pytest
from playwright.sync_api import expect

from buoy import App
from buoy.testing import drain

from ..jobs import Charge
from .conftest import Open

PHONE = {"width": 360, "height": 700}
OUTLINE = "getComputedStyle(document.activeElement).outlineStyle"


@pytest.fixture(autouse=True)
def failures(buoy_app: App) -> None:
    Charge.enqueue_many([(-1,), (-2,)])
    drain(buoy_app, "payments")
    Charge.enqueue(4711)


def test_a_job_is_found_from_any_page(buoy_app: App, open_tab: Open) -> None:
    tab = open_tab(buoy_app, "/doctor")

    tab.page.keyboard.press("/")
    expect(tab.page.get_by_label("Find jobs by id or filter")).to_be_focused()
    tab.page.keyboard.type("class:/x state:queued 4711")
    expect(tab.page.get_by_label("Find jobs by id or filter")).to_have_value(
        "class:/x state:queued 4711"
    )
    tab.page.keyboard.press("Enter")

    tab.reads("No job matches this filter.")


def test_the_first_key_skips_the_menu(buoy_app: App, open_tab: Open) -> None:
    tab = open_tab(buoy_app, "/failed")

    tab.page.keyboard.press("Tab")
    expect(tab.page.get_by_text("Skip to content")).to_be_focused()
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.press("Tab")

    expect(tab.page.get_by_label("Filter", exact=True)).to_be_focused()


def test_all_failed_jobs_are_selected_and_retried(buoy_app: App, open_tab: Open) -> None:
    tab = open_tab(buoy_app, "/failed")

    tab.page.get_by_label("Select all").focus()
    tab.page.keyboard.press("Space")
    expect(tab.page.locator("td input:checked")).to_have_count(2)
    tab.page.get_by_role("button", name="Retry selected").focus()
    tab.page.keyboard.press("Enter")

    tab.said("2 jobs are queued again.")


@pytest.mark.parametrize("path", ["/", "/failed", "/queues/payments"])
def test_all_that_can_be_used_is_reached_and_seen(buoy_app: App, open_tab: Open, path: str) -> None:
    tab = open_tab(buoy_app, path)
    usable = "a[href], button, input:not([type=hidden]), summary"
    wanted = tab.page.locator(usable).filter(visible=True).count()

    reached = 0
    for _ in range(wanted + 1):
        tab.page.keyboard.press("Tab")
        if tab.page.evaluate(f"document.activeElement.matches('{usable}')"):
            reached += 1
            assert tab.page.evaluate(OUTLINE) != "none"

    assert reached >= wanted


class TestPhone:
    def test_the_menu_leads_to_pages(self, buoy_app: App, open_tab: Open) -> None:
        tab = open_tab(buoy_app, viewport=PHONE, has_touch=True)
        link = tab.page.get_by_role("link", name="Failed", exact=True)
        expect(link).to_be_hidden()

        tab.page.get_by_role("button", name="Menu").tap()
        link.tap()

        tab.reads("no order -1")
        expect(tab.page.get_by_role("link", name="Delayed", exact=True)).to_be_hidden()

    def test_the_menu_is_closed_by_escape(self, buoy_app: App, open_tab: Open) -> None:
        tab = open_tab(buoy_app, viewport=PHONE)
        tab.page.keyboard.press("/")
        expect(tab.page.get_by_label("Find jobs by id or filter")).to_be_focused()

        tab.page.keyboard.press("Escape")

        expect(tab.page.get_by_role("navigation", name="Pages")).to_be_hidden()

    def test_each_value_has_the_name_of_its_column(self, buoy_app: App, open_tab: Open) -> None:
        tab = open_tab(buoy_app, "/classes", viewport=PHONE)

        labels = tab.page.locator("tbody td").evaluate_all("all => all.map(x => x.dataset.label)")

        assert labels[:4] == ["Done", "Retried", "Failed", "Lost"]
        assert {"Waited p50", "Ran p99"} <= set(labels)

    def test_jobs_are_selected_and_retried(self, buoy_app: App, open_tab: Open) -> None:
        tab = open_tab(buoy_app, "/failed", viewport=PHONE, has_touch=True)

        tab.page.get_by_label("Select all").tap()
        tab.page.get_by_role("button", name="Retry selected").tap()

        tab.said("2 jobs are queued again.")


class TestTheme:
    def test_it_is_that_of_the_system_until_it_is_switched(
        self, buoy_app: App, open_tab: Open
    ) -> None:
        tab = open_tab(buoy_app, color_scheme="dark")
        colour = "getComputedStyle(document.body).backgroundColor"
        dark = tab.page.evaluate(colour)

        tab.press("Theme")
        light = tab.page.evaluate(colour)
        tab.go("/jobs")

        assert dark != light == tab.page.evaluate(colour)
        tab.press("Theme")
        assert tab.page.evaluate(colour) == dark


class TestWithoutScripts:
    def test_jobs_are_found_retried_removed_and_put_back(
        self, buoy_app: App, open_tab: Open
    ) -> None:
        tab = open_tab(buoy_app, "/failed", java_script_enabled=False)
        expect(tab.page.locator(".scripted").filter(visible=True)).to_have_count(0)

        tab.page.get_by_label("Filter", exact=True).fill("-2")
        tab.press("Filter")
        tab.pick("no order -2")
        tab.press("Remove selected")
        tab.said("1 job is removed.")
        tab.press("Undo")
        tab.said("1 job is failed again.")
        tab.page.get_by_text("Remove all 1…").click()
        expect(tab.page.get_by_role("button", name="Yes, remove 1 job")).to_be_visible()
        tab.press("Retry all 1")

        tab.said("1 job is queued again.")

    def test_the_menu_of_a_phone_opens(self, buoy_app: App, open_tab: Open) -> None:
        tab = open_tab(buoy_app, viewport=PHONE, java_script_enabled=False)

        tab.press("Menu")
        tab.page.get_by_role("link", name="Jobs", exact=True).click()

        tab.reads("4711")
        assert tab.page.locator("time").first.get_attribute("title")
