"""Tags, as operators look for them: each list of jobs shows them and filters by them."""

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner

from buoy import App, Handle, Job
from buoy.cli import main
from buoy.testing import drain
from buoy_retry import Retry
from buoy_scheduler import Delayed

Run = Callable[..., str]


class Fails(Job):
    queue = "tagged"
    tags = ("eu",)

    def perform(self) -> None:
        raise ValueError("no")


class IsRetried(Fails):
    plugins = [Retry(5, 3600)]


@pytest.fixture
def run(buoy_app: App) -> Run:
    def run(*words: str) -> str:
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def failed(*tags: str) -> Handle[None]:
    handle = Fails.using(tags=tags).enqueue()
    drain(Fails.app)
    return handle


def retried(*tags: str) -> Handle[None]:
    handle = IsRetried.using(tags=tags).enqueue()
    drain(IsRetried.app)
    return handle


def queued(*tags: str) -> Handle[None]:
    return Fails.using(tags=tags).enqueue()


def delayed(*tags: str) -> Handle[None]:
    return Fails.using(tags=tags, delay=3600).enqueue()


LISTS: dict[str, Callable[..., Handle[None]]] = {
    "failed list": failed,
    "retry list": retried,
    "delayed list": delayed,
    "queues peek tagged": queued,
    "queues peek tagged --delayed": delayed,
}


@pytest.mark.parametrize("command", LISTS)
def test_a_list_shows_tags_and_filters_by_one(run: Run, command: str) -> None:
    enqueue, words = LISTS[command], command.split()
    plain, vip = enqueue(), enqueue("vip")

    rows = {row["id"]: row for row in json.loads(run(*words, "--json"))}
    assert (rows[plain.id]["tags"], rows[vip.id]["tags"]) == (["eu"], ["eu", "vip"])
    [row] = json.loads(run(*words, "--tag", "vip", "--json"))
    assert row["id"] == vip.id
    assert len(json.loads(run(*words, "--tag", "eu", "--json"))) == 2
    assert json.loads(run(*words, "--tag", "VIP", "--json")) == []

    head, *lines = run(*words, "--tag", "vip").splitlines()
    assert "tags" in head
    assert " eu, vip " in lines[0]


def test_without_tags_a_list_has_no_column_for_them(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fails, "tags", ())
    queued()

    assert " tags " not in run("queues", "peek", "tagged").splitlines()[0]


def test_peek_looks_for_a_tag_behind_many_jobs(run: Run) -> None:
    Fails.enqueue_many([()] * 1200)
    vips = [queued("vip") for _ in range(3)]

    rows = json.loads(run("queues", "peek", "tagged", "--tag", "vip", "--start", "1", "--json"))
    assert [row["id"] for row in rows] == [each.id for each in vips[1:]]
    assert run("queues", "peek", "tagged", "--tag", "us") == (
        "tagged has no queued jobs with this tag\n"
    )


def test_what_has_a_tag_is_retried_or_removed(run: Run) -> None:
    failed(), failed("vip")
    assert run("failed", "retry", "--tag", "vip").startswith("1 job was queued\n")

    delayed(), delayed("vip")
    assert Delayed(tag="vip").count() == 1
    assert run("delayed", "remove", "--tag", "vip").startswith("1 job was removed\n")
    assert (Delayed(tag="vip").count(), Delayed(Fails).count()) == (0, 1)


def test_a_job_is_enqueued_with_tags(run: Run) -> None:
    run("enqueue", "no.Such", "--queue", "tagged", "--tag", "vip", "--tag", "eu")
    assert Job.app.monitor.peek("tagged")[0].tags == ("vip", "eu")
