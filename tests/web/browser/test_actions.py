"""Each action of each page, as people do it; on one server and on a cluster."""

import pytest
from playwright.sync_api import expect

from buoy import App
from buoy.jobs.registry import registry
from buoy.plugins import plugins_of
from buoy.testing import drain
from buoy_scheduler import Cron, remove_schedule, set_schedule
from buoy_scheduler.store import Store

from ..jobs import Charge, Report
from ..shop import ChargePurchase, PackPurchase, Shop
from .conftest import Open


@pytest.fixture
def failures(app: App) -> App:
    """An app with three failed payments."""
    Charge.enqueue_many([(-1,), (-2,), (-3,)])
    drain(app, "payments")
    return app


def waiting(app: App) -> list[int]:
    return sorted(job.args[0] for job in app.monitor.peek("payments"))


class TestFailed:
    def test_selected_jobs_are_retried(self, failures: App, open_tab: Open) -> None:
        tab = open_tab(failures, "/failed")

        tab.pick("no order -1", "no order -3")
        tab.press("Retry selected")

        tab.said("2 jobs are queued again.")
        assert waiting(failures) == [-3, -1]

    def test_all_are_retried(self, failures: App, open_tab: Open) -> None:
        tab = open_tab(failures, "/failed")

        tab.press("Retry all 3")

        tab.said("3 jobs are queued again.")
        tab.reads("No job has failed.")
        assert waiting(failures) == [-3, -2, -1]

    def test_a_removal_is_undone(self, failures: App, open_tab: Open) -> None:
        tab = open_tab(failures, "/failed")

        tab.pick("no order -2")
        tab.press("Remove selected")
        tab.said("1 job is removed.")
        assert failures.failures.count() == 2
        tab.press("Undo")

        tab.said("1 job is failed again.")
        assert failures.failures.count() == 3

    def test_all_are_removed_after_a_question(self, failures: App, open_tab: Open) -> None:
        tab = open_tab(failures, "/failed")
        button = tab.page.get_by_role("button", name="Yes, remove 3 jobs")
        expect(button).to_be_hidden()

        tab.page.get_by_text("Remove all 3…").click()
        button.click()

        tab.said("3 jobs are removed.")
        assert failures.failures.count() == 0

    def test_a_filter_bounds_what_is_done_to_all(self, failures: App, open_tab: Open) -> None:
        tab = open_tab(failures, "/failed")

        field = tab.page.get_by_label("Filter", exact=True)
        field.fill('error:"order -2"')
        field.press("Enter")
        expect(tab.page.locator("form tbody tr")).to_have_count(1)
        tab.press("Retry all 1")

        tab.said("1 job is queued again.")
        assert waiting(failures) == [-2]

    def test_a_group_leads_to_its_jobs(self, failures: App, open_tab: Open) -> None:
        tab = open_tab(failures, "/failed")

        tab.page.locator("tbody th a").first.click()

        expect(tab.page.get_by_label("Filter", exact=True)).to_have_value(
            f"class:{Charge.name} error:ValueError"
        )
        tab.page.get_by_role("link", name="Clear").click()
        expect(tab.page.get_by_label("Filter", exact=True)).to_have_value("")

    def test_all_boxes_are_ticked_at_once(self, failures: App, open_tab: Open) -> None:
        tab = open_tab(failures, "/failed")

        tab.page.get_by_label("Select all").check()
        tab.press("Retry selected")

        tab.said("3 jobs are queued again.")


class TestDelayed:
    @pytest.fixture
    def delayed(self, app: App) -> App:
        for order in (1, 2, 3):
            Charge.using(delay=86_400 * order + 43_200).enqueue(order)  # due in 1 d 11 h, …
        return app

    def due(self, app: App) -> list[int]:
        return [job.args[0] for job in app.monitor.delayed("payments", 0, 10)]

    def test_selected_jobs_run_now(self, delayed: App, open_tab: Open) -> None:
        tab = open_tab(delayed, "/delayed")

        tab.pick("in 1 d 11 h")
        tab.press("Run selected now")

        tab.said("1 job is due now.")
        drain(delayed, "payments")
        assert self.due(delayed) == [2, 3]

    def test_selected_jobs_are_moved(self, delayed: App, open_tab: Open) -> None:
        tab = open_tab(delayed, "/delayed")

        tab.pick("in 1 d 11 h")
        tab.page.get_by_label("Time to move to").fill("4d")
        tab.press("Move selected")

        tab.said("1 job is due at ")
        assert self.due(delayed) == [2, 3, 1]

    def test_a_time_that_is_none_is_told(self, delayed: App, open_tab: Open) -> None:
        tab = open_tab(delayed, "/delayed")

        tab.pick("in 1 d 11 h")
        tab.page.get_by_label("Time to move to").fill("soon")
        with tab.complains("Failed to load resource"):
            tab.press("Move selected")

        tab.reads("time: expected one like 2h (from now) or 2026-01-31T08:00 (UTC), got 'soon'")
        assert tab.complaints.pop().startswith("error: Failed to load resource")

    def test_selected_jobs_are_cancelled(self, delayed: App, open_tab: Open) -> None:
        tab = open_tab(delayed, "/delayed")

        tab.pick("in 1 d 11 h")
        tab.press("Cancel selected")

        tab.said("1 job is cancelled.")
        assert self.due(delayed) == [2, 3]

    @pytest.mark.parametrize("act", ["Run 3 jobs now", "Move 3 jobs", "Cancel 3 jobs"])
    def test_it_is_done_to_all(self, delayed: App, open_tab: Open, act: str) -> None:
        tab = open_tab(delayed, "/delayed")

        tab.page.get_by_label("Time to move to").fill("2030-01-31T08:00")
        tab.page.get_by_text("All 3…").click()
        tab.press(act)

        tab.said("3 jobs are ")
        drain(delayed, "payments")
        assert self.due(delayed) == ([1, 2, 3] if act.startswith("Move") else [])


class TestJob:
    def test_a_job_is_found_by_its_id_and_cancelled(self, app: App, open_tab: Open) -> None:
        id = Charge.enqueue(7, card="4111").id
        tab = open_tab(app)

        field = tab.page.get_by_label("Find jobs by id or filter")
        field.fill(id)
        field.press("Enter")
        tab.page.get_by_role("link", name=id).click()
        tab.press("Cancel")

        tab.said(f"{id} is cancelled; it was queued.")
        assert app.find(id) is None

    def test_a_delayed_job_runs_now(self, app: App, open_tab: Open) -> None:
        id = Charge.using(delay=3600).enqueue(7).id
        tab = open_tab(app, f"/jobs/{id}")

        tab.press("Run now")

        tab.said(f"{id} is due now.")

    def test_a_failed_job_is_retried(self, failures: App, open_tab: Open) -> None:
        [job] = failures.failures.find(args="-2")
        tab = open_tab(failures, f"/jobs/{job.id}")
        tab.reads("no order -2")

        tab.press("Retry")

        tab.said("1 job is queued again.")
        expect(tab.page.locator("h1 .state")).to_have_text("queued")


class TestJobs:
    def test_states_queues_and_tags_narrow_the_list(self, app: App, open_tab: Open) -> None:
        Charge.using(tags=["eu"]).enqueue(1)
        Charge.using(delay=60).enqueue(2)
        Report.enqueue("2026-11")
        tab = open_tab(app, "/jobs")
        rows = tab.page.locator("tbody tr")
        expect(rows).to_have_count(3)

        tab.page.get_by_role("link", name="delayed 1").click()
        expect(rows).to_have_count(1)
        tab.page.get_by_role("link", name="all").click()
        tab.page.get_by_role("link", name="payments").first.click()
        expect(rows).to_have_count(2)
        tab.page.get_by_role("link", name="eu", exact=True).click()
        expect(rows).to_have_count(1)

    def test_long_lists_have_pages(self, app: App, open_tab: Open) -> None:
        Charge.enqueue_many([(order,) for order in range(60)])
        tab = open_tab(app, "/jobs")
        rows = tab.page.locator("main tbody tr")
        expect(rows).to_have_count(20)

        for count in (20, 20):
            first = rows.first.inner_text()
            tab.page.get_by_role("link", name="More").click()
            expect(rows.first).not_to_have_text(first)
            expect(rows).to_have_count(count)

        tab.page.get_by_role("link", name="First page").click()
        expect(rows).to_have_count(20)


def test_a_queue_is_paused_and_resumed(app: App, open_tab: Open) -> None:
    Charge.enqueue(1)
    tab = open_tab(app)

    tab.page.get_by_role("link", name="payments").click()
    tab.press("Pause")
    tab.said("payments is paused: workers take nothing from it.")
    assert app.monitor.queues(["payments"])[0].paused
    tab.press("Resume")

    tab.said("payments is resumed.")
    assert not app.monitor.queues(["payments"])[0].paused


def test_workers_are_told_what_to_do(app: App, open_tab: Open) -> None:
    worker = Shop(app).start_worker(1)
    tab = open_tab(app, "/workers")

    for button, command, said in (
        ("Quiet", b"quiet", "takes no more jobs after its next heartbeat"),
        ("Stop", b"stop", "ends after its jobs in flight"),
    ):
        tab.press(button)
        tab.said(f"{worker.id} {said}.")
        assert command in app.command("HGET", app.broker.keys.worker(worker.id), "command")

    worker.state = lambda: "paused"
    worker.publish()
    tab.go("/workers")
    tab.press("Resume")
    tab.said(f"{worker.id} takes jobs again after its next heartbeat.")


def test_workers_are_filtered(app: App, open_tab: Open) -> None:
    Shop(app).start_workers(4)
    tab = open_tab(app, "/workers")
    cards = tab.page.locator("main .card")
    expect(cards).to_have_count(4)

    tab.page.get_by_label("Queue that they serve").fill("purchasing")
    tab.press("Show")
    expect(cards).to_have_count(2)

    tab.page.get_by_label("Host or worker").fill("web-2")
    tab.page.get_by_label("Sort by").select_option(index=1)
    tab.press("Show")
    expect(cards).to_have_count(1)


def test_a_running_job_is_cancelled(app: App, open_tab: Open) -> None:
    id = ChargePurchase.enqueue(5).id
    Shop(app).start_worker(1)
    tab = open_tab(app, "/workers")

    tab.row(id).get_by_role("button", name="Cancel").click()

    tab.said(f"{id} is cancelled; it was running.")


@pytest.fixture
def no_other_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forgets the classes of other tests that have entries of their own."""
    for name, job in list(registry.items()):
        if plugins_of(job, Cron):
            monkeypatch.delitem(registry, name)


@pytest.mark.usefixtures("no_other_entries")
def test_a_schedule_entry_runs_is_paused_and_resumed(app: App, open_tab: Open) -> None:
    set_schedule("nightly", Charge, cron="0 8 * * *", args=[7])
    tab = open_tab(app, "/schedule")

    tab.press("Run now")
    tab.said("is queued in payments.")
    tab.press("Pause")
    expect(tab.row("nightly")).to_contain_text("paused")
    assert Store(app).load().paused == {"nightly"}
    tab.press("Resume")
    tab.said("nightly is resumed.")

    tab.press("Pause")
    tab.said("nightly is paused")
    remove_schedule("nightly")
    Store(app).pause("nightly")
    tab.go("/schedule")
    tab.press("Resume")
    tab.said("nightly is resumed.")
    assert Store(app).load().paused == set()


@pytest.mark.usefixtures("no_other_entries")
def test_a_schedule_entry_is_added_edited_and_removed(app: App, open_tab: Open) -> None:
    tab = open_tab(app, "/schedule")

    tab.page.get_by_role("link", name="Add an entry").click()
    for field, text in (("name", "nightly"), ("class", Charge.name), ("args", "[7]")):
        tab.page.locator(f"form.entry [name={field}]").fill(text)
    tab.page.get_by_label("Cron").fill("0 8 * * *")
    tab.press("Add")
    expect(tab.row("nightly")).to_contain_text("at 08:00")

    tab.row("nightly").get_by_role("link", name="Edit").click()
    tab.page.get_by_label("Cron").fill("0 9 * * *")
    tab.press("Save")
    expect(tab.row("nightly")).to_contain_text("at 09:00")

    tab.row("nightly").get_by_role("link", name="Edit").click()
    tab.page.get_by_text("Remove…").click()
    tab.press("Yes, remove nightly")
    tab.reads("The schedule has no entries.")


def test_jobs_that_have_ended_are_found(app: App, open_tab: Open) -> None:
    PackPurchase.enqueue(7, "DHL")
    PackPurchase.using(tags=["eu"]).enqueue(8, "UPS")
    drain(app, "packing")
    tab = open_tab(app, "/history")
    expect(tab.page.locator("tbody tr")).to_have_count(2)

    tab.page.get_by_role("link", name="eu", exact=True).click()
    expect(tab.page.locator("tbody tr")).to_have_count(1)
    tab.page.locator("td .id").click()

    tab.reads('8, "UPS"')


def test_each_of_several_apps_has_its_pages(app: App, open_tab: Open) -> None:
    Charge.enqueue(7)
    tab = open_tab({"shop": app, "billing": App(app.settings.url, namespace="billing")})

    tab.page.locator("main").get_by_role("link", name="shop").click()
    tab.page.get_by_role("link", name="payments").click()
    tab.press("Pause")
    tab.said("payments is paused")
    tab.page.locator(".apps summary").click()
    tab.page.get_by_role("link", name="billing").click()

    tab.reads("No job was enqueued yet.")
    tab.page.locator(".apps summary").click()
    tab.page.get_by_role("link", name="All apps").click()
    tab.reads("billing")


def test_a_claim_is_released(app: App, open_tab: Open) -> None:
    id = ChargePurchase.enqueue(5).id
    tab = open_tab(app, "/unique")

    tab.press("Release")

    tab.said(f"job {id} continues without it.")
    assert list(app.monitor.claims("purchasing")) == []


def test_what_was_done_is_in_the_audit_log(app: App, open_tab: Open) -> None:
    Charge.enqueue(1)
    tab = open_tab(app, "/queues/payments")
    tab.press("Pause")
    tab.said("payments is paused")

    tab.page.get_by_role("link", name="Audit").click()

    expect(tab.row("payments is paused")).to_contain_text("admin")
    tab.page.get_by_label("What was done").fill("resumed")
    tab.press("Filter")
    expect(tab.row("payments is paused")).to_have_count(0)
    tab.page.get_by_role("link", name="Clear").click()
    expect(tab.row("payments is paused")).to_have_count(1)


def test_charts_show_other_spans(app: App, open_tab: Open) -> None:
    Charge.enqueue(1)
    drain(app)
    tab = open_tab(app)

    for path, spans in (("/", ["24 hours", "30 days"]), ("/classes", ["1 hour", "30 days"])):
        tab.go(path)
        for span in spans:
            tab.page.get_by_role("link", name=span).click()
            expect(tab.page.locator("nav [aria-current]").last).to_have_text(span)


def test_every_page_is_in_the_menu(buoy_app: App, open_tab: Open) -> None:
    tab = open_tab(buoy_app)
    menu = tab.page.get_by_role("navigation", name="Pages")
    names = menu.get_by_role("link").all_inner_texts()
    assert {"Overview", "Jobs", "Failed", "Schedule", "Unique jobs"} <= set(names)

    for name in names:
        menu.get_by_role("link", name=name, exact=True).click()
        expect(tab.page.get_by_role("heading", level=1)).to_contain_text(name)
        current = tab.page.locator("#menu [aria-current=page]")
        expect(current).to_have_text(name)


def test_what_a_person_may_not_do_has_no_button(buoy_app: App, open_tab: Open) -> None:
    Charge.enqueue(1)
    tab = open_tab(buoy_app, "/queues/payments", authorize=lambda _: "viewer")

    assert tab.page.locator("main button").count() == 0
