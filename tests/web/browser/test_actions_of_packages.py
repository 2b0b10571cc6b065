"""Each action of the pages Batches and Limits, as people do it; on one server and on a cluster."""

from playwright.sync_api import expect

from buoy import App, Job
from buoy_batch import Batch
from buoy_limits import Limit

from ..jobs import Charge
from .conftest import Open


class Print(Job):
    queue = "reports"
    plugins = [Limit(at_once=1)]

    def perform(self, page: int) -> None: ...


def batch_of(*orders: int) -> Batch:
    with Batch(queue="reports", description="March") as batch:
        batch.enqueue_many(Charge, [(order,) for order in orders])
    return batch


def test_a_batch_is_cancelled_after_a_question(app: App, open_tab: Open) -> None:
    batch = batch_of(1, 2)
    tab = open_tab(app, "/batches")
    expect(tab.row("March")).to_contain_text("closed")

    tab.page.get_by_text("Cancel…").click()
    tab.press("Cancel the batch")

    tab.said(f"{batch.id} is cancelled.")
    assert app.monitor.peek("payments") == []


def test_a_batch_is_repaired(app: App, open_tab: Open) -> None:
    batch = batch_of(1)
    tab = open_tab(app, "/batches")

    tab.press("Repair")

    tab.said(f"{batch.id}: 0 members count as lost.")
    assert len(app.monitor.peek("payments")) == 1


def test_a_limit_is_set_and_given_back(app: App, open_tab: Open) -> None:
    Print.enqueue_many([(1,), (2,), (3,)])
    tab = open_tab(app, "/limits")
    row = tab.row("Print")
    expect(row.get_by_role("cell").nth(4)).to_contain_text("2")

    row.get_by_role("textbox").fill("2")
    tab.press("Set")

    tab.said(": 2; 1 job was queued.")
    expect(row.locator(".state")).to_have_text("set")
    assert len(app.monitor.peek("reports")) == 2

    row.get_by_role("textbox").fill("")
    tab.press("Set")
    tab.said("as declared; 0 jobs were queued.")
    expect(row.locator(".state")).to_have_count(0)


def test_a_limit_that_is_no_number_is_told(app: App, open_tab: Open) -> None:
    Print.enqueue(1)
    tab = open_tab(app, "/limits")

    tab.row("Print").get_by_role("textbox").fill("many")
    with tab.complains("Failed to load resource"):
        tab.press("Set")

    tab.reads("limit: expected a whole number, 0 to 1000000, got 'many'")
    tab.complaints.clear()  # of the answer 400
    assert len(app.monitor.peek("reports")) == 1
