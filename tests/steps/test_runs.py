"""Where a run ends, and where the next one goes on. Runs without processes: each step by itself."""

import json

import pytest
from click.testing import CliRunner

from buoy import App, job
from buoy.cli import main
from buoy.embedded.server import Server
from buoy.process.stopping import stop_flag
from buoy.testing import FakeWorker, drain
from buoy_steps import Steps, checkpoint, cursor, each
from buoy_steps import run as steps_run
from tests.support.proxy import Proxy

from .shop import Import, on_row, seen

ALL = ["fetch a.csv", 0, 1, 2, 3, 4, 5, "report, None"]


@job(plugins=[Steps()])
def sums(most: int) -> None:
    for number in each(range(most)):
        seen.append(number)


@job(plugins=[Steps()])
def own_loop() -> None:
    begin = cursor()
    seen.append(("from", begin))
    first = 0 if begin is None else begin["page"] + 1
    for page in range(first, 4):
        if page == 2 and begin is None:
            raise ValueError
        seen.append(page)
        checkpoint({"page": page})


@job(plugins=[Steps()])
def counting() -> None:
    for letter in each("abc"):
        seen.append(letter)
        if seen == ["a", "b"]:
            raise ValueError


def test_a_run_that_nothing_disturbs_does_all_once(buoy_app: App) -> None:
    Import.enqueue("a.csv")

    assert drain(buoy_app, "imports") == {"done": 1}
    assert seen == ALL


def test_when_the_worker_stops_the_job_goes_on_elsewhere_at_no_cost_of_an_attempt(
    buoy_app: App,
) -> None:
    handle = Import.enqueue("a.csv")
    on_row.append(lambda row: stop_flag.set(row == 2))
    worker = FakeWorker(buoy_app, "imports")

    assert worker.run(worker.take())

    view = buoy_app.find(handle.id)
    assert view is not None
    kept = view.plugin_data["steps"]
    assert kept.pop("kept_at") > 0
    assert kept == {"done": ["fetch"], "step": "import", "cursor": 2, "kept": 2}
    assert view.attempt == 1
    on_row.clear()
    stop_flag.set(False)
    drain(buoy_app, "imports")
    assert seen == ALL


def test_a_failed_job_goes_on_where_it_failed(buoy_app: App) -> None:
    handle = Import.enqueue("a.csv")
    on_row.append(lambda row: 1 / (4 - row))
    drain(buoy_app, "imports")
    on_row.clear()

    buoy_app.failures.retry(handle.id)
    drain(buoy_app, "imports")

    assert seen == ALL


def test_a_job_that_is_cancelled_ends_at_the_checkpoint_at_which_redis_says_so(
    buoy_app: App,
) -> None:
    handle = Import.enqueue("a.csv")
    on_row.append(lambda row: row == 5 and buoy_app.cancel(handle.id))
    worker = FakeWorker(buoy_app, "imports")

    assert worker.run(worker.take()) is False

    assert seen == ALL[:-1]
    assert buoy_app.find(handle.id) is None


def test_while_redis_is_away_the_run_goes_on_and_the_log_says_so(
    buoy_app: App,
    buoy_server: Server,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(steps_run, "OUTAGE_PAUSE", 1000.0)
    with Proxy(buoy_server.url) as proxy:
        handle = Import.enqueue("a.csv")
        worker = FakeWorker(buoy_app, "imports")
        reservation = worker.take()
        monkeypatch.setattr(Import, "app", App(proxy.url))
        proxy.refuse()

        assert worker.run(reservation)

    assert seen == ALL
    [record] = [each for each in caplog.records if each.name == "buoy.steps"]
    text = f"<{Import.name} {handle.id} attempt 1>: progress is not kept for 1000 s: "
    assert record.getMessage().startswith(text)
    assert record.__dict__["job_id"] == handle.id


def test_functions_have_steps_too(buoy_app: App) -> None:
    sums.enqueue(3)

    assert drain(buoy_app) == {"done": 1}
    assert seen == [0, 1, 2]


def test_a_loop_of_its_own_reads_where_to_begin(buoy_app: App) -> None:
    handle = own_loop.enqueue()
    drain(buoy_app)
    buoy_app.failures.retry(handle.id)
    drain(buoy_app)

    assert seen == [("from", None), 0, 1, ("from", {"page": 1}), 2, 3]


def test_rows_without_a_cursor_are_skipped_by_their_number(buoy_app: App) -> None:
    handle = counting.enqueue()
    drain(buoy_app)
    buoy_app.failures.retry(handle.id)

    assert drain(buoy_app) == {"done": 1}
    assert seen == ["a", "b", "b", "c"]


def test_inline_jobs_keep_nothing(buoy_app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Import, "app", App(inline=True))
    stop_flag.set(True)

    Import.enqueue("a.csv")

    assert seen == ALL


def test_operators_see_the_steps_of_a_job(buoy_app: App) -> None:
    handle = Import.enqueue("a.csv")
    on_row.append(lambda row: 1 / (4 - row))
    drain(buoy_app, "imports")

    shown = CliRunner().invoke(main, ["jobs", "show", handle.id, "--json"])

    steps = json.loads(shown.output)[0]["plugins"]["steps"]
    assert steps["next_run"] == "goes on in step 'import' behind its cursor"
    assert {name: steps[name] for name in ("done", "step", "cursor", "kept")} == {
        "done": ["fetch"],
        "step": "import",
        "cursor": 3,
        "kept": 2,
    }
