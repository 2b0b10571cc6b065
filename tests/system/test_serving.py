"""Which Redis a worker and the commands use: that of the app to which the loaded classes belong."""

import re
from collections.abc import Iterator

import pytest

from buoy import App
from buoy.embedded.server import Server
from tests.support.processes import APPS, EXECUTORS, Site

NAME = f"{APPS}.own_app"


@pytest.fixture(scope="module")
def other_server() -> Iterator[Server]:
    with Server(port=True) as server:
        yield server


@pytest.fixture
def shop(site: Site, other_server: Server) -> App:
    """The app of Charge: another Redis, another namespace."""
    app = App(other_server.url, namespace="shop")
    app.broker.client.call("FLUSHALL")
    site.environ["SHOP_URL"] = other_server.url
    return app


def run(site: Site, *options: str, before: tuple[str, ...] = ()) -> tuple[int, str]:
    command = ["worker", "-a", NAME, "-q", "default", "--burst", *options]
    return site.run(*before, *command)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_worker_serves_the_app_of_its_classes(site: Site, shop: App, executor: str) -> None:
    site.environ["ONLY_SHOP"] = "1"
    shop.push(f"{NAME}.Charge", ["a"], queue="default")
    code, log = run(site, "--executor", executor)
    assert code == 0, log
    assert site.words("charged") == ["a"]
    assert f"BUOY_URL={site.server.url} is not used: the app names a Redis of its own, " in log


@pytest.mark.parametrize("executor", EXECUTORS)
def test_of_several_apps_it_serves_one_and_names_the_classes_of_others(
    site: Site, shop: App, executor: str
) -> None:
    shop.push(f"{NAME}.Charge", ["a"], queue="default")
    site.app.push(f"{NAME}.Mail", ["b"], queue="default")
    site.app.push(f"{NAME}.Charge", ["c"], queue="default")  # it lies in the wrong Redis
    code, log = run(site, "--executor", executor)
    assert code == 0, log
    assert site.words("mailed") == ["b"]
    assert site.words("charged") == []
    assert f"WARNING buoy.worker not served: {NAME}.Charge: their app is " in log
    [failed] = site.app.monitor.failed()
    assert re.match(f"job class '{NAME}.Charge' is not served here: ", failed.failure["message"])

    before = ("--url", shop.settings.url, "--namespace", "shop")
    code, log = run(site, "--executor", executor, before=before)
    assert code == 0, log
    assert site.words("charged") == ["a"]


def test_an_app_for_all_classes_is_served_by_workers_and_enqueued_to(
    site: Site, other_server: Server
) -> None:
    site.environ |= {"FOR_ALL": other_server.url, "SHOP_URL": other_server.url}
    code, said = site.run("enqueue", f"{NAME}.Mail", '["a"]', "-a", NAME)
    assert code == 0, said
    code, log = run(site)
    assert (code, site.words("mailed")) == (0, ["a"]), log


def test_a_job_is_enqueued_to_the_app_of_its_class(site: Site, shop: App) -> None:
    code, said = site.run("enqueue", f"{NAME}.Charge", '["a"]', "-a", NAME)
    assert code == 0, said
    assert [view.queued for view in shop.monitor.queues()] == [1]
    assert site.app.monitor.queues() == []


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_worker_that_could_serve_none_ends_with_a_reason(
    site: Site, shop: App, processes: str
) -> None:
    site.environ["ONLY_SHOP"] = "1"
    url = site.server.url
    code, log = run(site, "--processes", processes, before=("--url", url))
    assert code == 1
    assert f"Error: --url {url}: expected the app of the job classes" in log
    assert "Traceback" not in log


def test_a_command_with_another_redis_than_that_of_the_class_is_refused(
    site: Site, shop: App
) -> None:
    code, said = site.run(
        "--url", site.server.url, "enqueue", f"{NAME}.Charge", '["a"]', "-a", NAME
    )
    assert code == 1
    assert "expected the app of the job classes" in said


@pytest.mark.parametrize("command", [["scheduler"], ["schedule", "list"]])
def test_a_scheduler_with_another_redis_than_that_of_a_class_is_refused(
    site: Site, shop: App, command: list[str]
) -> None:
    code, said = site.run("--url", site.server.url, *command, "-a", NAME)
    assert code == 1
    assert (
        f"expected the app of the job classes, which have one of their own: {shop.settings.url} "
        in said
    )


@pytest.mark.parametrize("how", ["basic", "dict"])
@pytest.mark.parametrize("executor", EXECUTORS)
def test_an_app_s_own_logging_is_in_force_and_buoy_speaks_through_it(
    site: Site, executor: str, how: str
) -> None:
    module = f"{APPS}.logging_{how}"
    for job in ("Says", "Fails"):
        site.app.push(f"{module}.{job}", queue="default")
    log = site.burst("--executor", executor, app=f"logging_{how}").log
    assert "ours INFO shop the app is loaded\n" in log
    assert "ours INFO shop a job says\n" in log
    assert f"ours ERROR buoy.job {module}.Fails failed: ValueError: wrong id=" in log
    assert 'Traceback (most recent call last):\n  File "' in log
    if executor != "fork":  # else the worker itself has not loaded the app
        assert re.search("ours INFO buoy.worker worker .* ends: 1 done, 1 failed\n", log)
