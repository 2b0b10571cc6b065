"""Chains: jobs that follow one after another, each when the one before has ended well."""

import json
from decimal import Decimal
from typing import Any

import pytest
from click.testing import CliRunner

from buoy import RESULT, App, Job, Later, Plugin, hookimpl, job
from buoy.cli import main
from buoy.errors import CorruptPayload, InvalidArguments
from buoy.jobs.registry import registry
from buoy.model.payload import Payload
from buoy.testing import FakeWorker, drain, perform_job

done: list[Any] = []


@pytest.fixture(autouse=True)
def nothing_done(buoy_app: App) -> None:
    done.clear()


class Charge(Job):
    queue = "payments"

    def perform(self, order: int, how: str = "well") -> dict[str, Any]:
        done.append(("charge", order))
        if how == "badly":
            raise ValueError(how)
        return {"receipt": order}


class Pack(Job):
    queue = "warehouse"

    def perform(self, order: int, receipt: Any = None) -> int:
        done.append(("pack", order, receipt))
        return order * 10


class Notify(Job):
    queue = "payments"

    def perform(self, whom: Any = "all") -> None:
        done.append(("notify", whom))


@job(queue="payments")
def bill(amount: Decimal, to: str = "") -> Decimal:
    done.append(("bill", amount, to))
    return amount * 2


@job
async def total(*amounts: Decimal) -> None:
    done.append(("total", *amounts))


def test_each_job_follows_the_one_before(buoy_app: App) -> None:
    handle = Charge.then(Pack, 7).then(Notify).enqueue(7)

    assert handle.state == "queued"
    for queue, name in (("payments", Charge), ("warehouse", Pack), ("payments", Notify)):
        [view] = [each for q in buoy_app.monitor.queue_names() for each in buoy_app.monitor.peek(q)]
        assert (view.queue, view.name) == (queue, name.name)
        worker = FakeWorker(buoy_app, queue)
        assert worker.run(worker.take())
    assert done == [("charge", 7), ("pack", 7, None), ("notify", "all")]
    assert drain(buoy_app) == {}


def test_a_failed_job_stops_the_chain_until_it_is_retried(buoy_app: App) -> None:
    Charge.then(Pack, 7).then(Notify).enqueue(7, "badly")
    assert drain(buoy_app) == {"failed": 1}

    [view] = buoy_app.failures.newest(1)
    buoy_app.edit(view.id, args=[7, "well"])
    [view] = buoy_app.failures.newest(1)
    buoy_app.failures.retry([view])

    assert drain(buoy_app) == {"done": 3}
    assert [what for what, *_ in done] == ["charge", "charge", "pack", "notify"]


def test_a_retry_goes_on_with_the_chain(buoy_app: App) -> None:
    class Once(Plugin):
        def __hash__(self) -> int:
            return 1

        @hookimpl
        def on_failure(self, job: Job, error: BaseException) -> Later:
            return Later(0)

    class Flaky(Job):
        plugins = [Once()]

        def perform(self) -> None:
            if self.attempt == 1:
                raise ValueError

    Flaky.then(Notify, "us").enqueue()

    assert drain(buoy_app) == {"delayed": 1, "done": 2}
    assert done == [("notify", "us")]


def test_a_result_is_passed_on(buoy_app: App) -> None:
    Charge.then(Pack, 7, receipt=RESULT).then(Notify, RESULT).enqueue(7)

    assert drain(buoy_app) == {"done": 3}
    assert done[1:] == [("pack", 7, {"receipt": 7}), ("notify", 70)]


def test_arguments_and_results_of_other_types_are_passed_on(buoy_app: App) -> None:
    bill.then(bill, RESULT, to="us").then(total, Decimal("0.1"), RESULT).enqueue(Decimal("1.5"))

    assert drain(buoy_app) == {"done": 3}
    expected = ("total", Decimal("0.1"), Decimal("6.0"))
    assert done == [("bill", Decimal("1.5"), ""), ("bill", Decimal("3.0"), "us"), expected]


def test_options_of_each_job_count(buoy_app: App) -> None:
    late = Pack.using(queue="slow", delay=60, tags=["late"], expires=1e6, id="p-1")
    Charge.using(id="c-1").then(late, 1).then(Notify.using(newer=("n", 5))).enqueue(1)
    drain(buoy_app)

    [view] = buoy_app.monitor.delayed("slow")
    assert (view.id, view.tags, view.queue) == ("p-1", ("late",), "slow")


def test_a_chain_may_be_a_part_of_another(buoy_app: App) -> None:
    rest = Pack.then(Notify, "us")
    Charge.then(rest, 1).then(Notify, "them").enqueue(1)

    assert drain(buoy_app) == {"done": 4}
    assert done[2:] == [("notify", "us"), ("notify", "them")]


def test_the_same_chain_can_be_enqueued_often(buoy_app: App) -> None:
    chain = Charge.then(Notify, RESULT)
    chain.enqueue_many([(1,), (2,)])
    chain.enqueue(3)

    assert drain(buoy_app) == {"done": 6}
    assert sorted(str(whom) for what, whom in done if what == "notify") == [
        "{'receipt': 1}",
        "{'receipt': 2}",
        "{'receipt': 3}",
    ]


def test_a_run_may_enqueue_a_chain_after_its_success(buoy_app: App) -> None:
    class Parent(Job):
        def perform(self) -> None:
            self.enqueue_after_success(Pack.then(Notify, RESULT), 4)

    Parent.enqueue()

    assert drain(buoy_app) == {"done": 3}
    assert done == [("pack", 4, None), ("notify", 40)]


class Far(Job):
    app = App("redis://far")

    def perform(self) -> None: ...


class TestWhatCannotFollow:
    @pytest.mark.parametrize(
        ("follower", "args", "said"),
        [
            ("Pack", [], "then: expected a job class or Job.using(...), got 'Pack'"),
            (Pack, [], "expected arguments for perform(order: int, receipt: Any = None)"),
            (Pack, [object()], "argument 1: expected str, int, float, bool, None, list or dict"),
            (bill, ["x"], "argument 1 (amount)"),
            (Far, [], f"then: expected a job of the same app as {Charge.name}, got {Far.name} of"),
        ],
    )
    def test_is_refused_at_once(self, buoy_app: App, follower: Any, args: Any, said: str) -> None:
        with pytest.raises(InvalidArguments) as raised:
            Charge.then(follower, *args)

        assert said in str(raised.value)

    def test_fails_the_job_before_it_has_done_anything(
        self, buoy_app: App, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Charge.then(Pack, 7).enqueue(7)
        monkeypatch.delitem(registry, Pack.name)

        assert drain(buoy_app) == {"failed": 1}
        assert done == []
        [view] = buoy_app.failures.newest(1)
        assert view.failure is not None
        assert view.failure["error"] == "buoy.errors.UnknownJob"

    def test_a_result_that_cannot_be_stored_fails_the_job(self, buoy_app: App) -> None:
        class Odd(Job):
            def perform(self) -> object:
                return object()

        Odd.then(Notify, RESULT).enqueue()

        assert drain(buoy_app) == {"failed": 1}
        assert done == []


@pytest.mark.parametrize(
    "chain",
    [[1], [{}], [{"class": ""}], [{"class": "a", "args": {}}], [{"class": "a", "options": []}]],
)
def test_a_payload_with_an_odd_chain_is_corrupt(chain: Any) -> None:
    fields = {"class": "Job", "args": [], "id": "a", "enqueued_at": 1.5, "chain": chain}
    with pytest.raises(CorruptPayload) as raised:
        Payload.decoded(json.dumps(fields))

    assert str(raised.value).startswith(
        "payload: expected 'chain' to be jobs with their classes and arguments, got "
    )


@pytest.mark.parametrize("options", [{"newer": 5}, {"queue": "a\nb"}, {"delay": "x"}, {"id": 1}])
def test_odd_options_of_a_link_fail_the_job(buoy_app: App, options: dict[str, Any]) -> None:
    handle = Charge.then(Pack, 1).enqueue(1)
    key = buoy_app.key("payments", "jobs")
    payload = json.loads(buoy_app.command("HGET", key, handle.id))
    payload["chain"][0]["options"] = {"unknown": 1, **options}
    buoy_app.command("HSET", key, handle.id, json.dumps(payload))

    assert drain(buoy_app) == {"failed": 1}
    assert done == []


def test_inline_the_jobs_run_one_after_another(buoy_app: App) -> None:
    with buoy_app.inline():
        Charge.then(Pack, 7, receipt=RESULT).then(Notify, RESULT).enqueue(7)

    assert done == [("charge", 7), ("pack", 7, {"receipt": 7}), ("notify", 70)]


def test_perform_job_runs_only_the_first(buoy_app: App) -> None:
    assert perform_job(Charge, 1) == {"receipt": 1}
    assert done == [("charge", 1)]


def test_the_result_marker_is_seen_as_what_it_is() -> None:
    assert repr(RESULT) == "RESULT"


def test_people_see_which_jobs_follow(buoy_app: App) -> None:
    handle = Charge.then(Pack, 7).then(Notify, RESULT).enqueue(7)
    view = buoy_app.find(handle.id)
    assert view is not None
    assert view.followers == (Pack.name, Notify.name)

    said = CliRunner().invoke(main, ["jobs", "show", handle.id]).output
    assert f"then         {Pack.name}, {Notify.name}\n" in said
    [facts] = json.loads(CliRunner().invoke(main, ["jobs", "show", handle.id, "--json"]).output)
    assert facts["then"] == [Pack.name, Notify.name]
