"""Other arguments for a job that is queued, blocked, delayed or failed: `app.edit`."""

import json
import random
import threading
from dataclasses import dataclass
from typing import Any

import pytest

from buoy import (
    App,
    ConfigurationError,
    CorruptPayload,
    InvalidArguments,
    Job,
    PayloadTooLarge,
    Plugin,
    hookimpl,
)
from buoy.jobs.registry import registry
from buoy.model.reservation import RoundTripRequest
from buoy.testing import FakeWorker, drain

ran: list[Any] = []


@dataclass(frozen=True)
class Claiming(Plugin):
    until: str = "finished"

    @hookimpl
    def before_enqueue(self, job: Job) -> None:
        key = f"place {job.payload.args[0]}"
        if self.until == "latest":
            job.transition.latest(key)
        else:
            job.transition.claim(key)


class Charge(Job):
    queue = "purchasing"

    def perform(self, purchase_id: int, currency: str = "EUR", *, note: str = "") -> None:
        ran.append((purchase_id, currency, note))
        if purchase_id < 0:
            raise ValueError


class Single(Charge):
    plugins = [Claiming()]


class Latest(Charge):
    plugins = [Claiming("latest")]


class Named(Charge):
    @classmethod
    def identify(cls, purchase_id: int, *_: Any, **__: Any) -> str:
        return f"purchase {purchase_id}"


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    ran.clear()


class TestEdit:
    def test_a_queued_a_delayed_and_a_failed_job_run_with_other_arguments(
        self, buoy_app: App
    ) -> None:
        failed = Charge.enqueue(-1).id
        assert drain(buoy_app) == {"failed": 1}
        queued, delayed = Charge.enqueue(1).id, Charge.using(delay=60).enqueue(2).id
        before = buoy_app.find(failed)
        ran.clear()

        assert buoy_app.edit(queued, [10]) == "edited"
        assert buoy_app.edit(delayed, [20, "USD"]) == "edited"
        assert buoy_app.edit(failed, kwargs={"note": "x"}) == "edited"
        assert buoy_app.edit(failed, [30]) == "edited"

        after = buoy_app.find(failed)
        assert before is not None
        assert after is not None
        assert (after.args, after.kwargs) == ([30], {"note": "x"})
        assert (after.failure, after.at) == (before.failure, before.at)
        for id in (delayed, failed):
            buoy_app.run_now(id)
        assert drain(buoy_app) == {"done": 3}
        assert sorted(ran) == [(10, "EUR", ""), (20, "USD", ""), (30, "EUR", "x")]

    def test_a_job_that_runs_or_is_unknown_is_not_edited(self, buoy_app: App) -> None:
        id = Charge.enqueue(1).id
        FakeWorker(buoy_app, "purchasing").take()

        assert buoy_app.edit(id, [2]) == "running"
        assert buoy_app.edit("nope", [2]) == "gone"

    def test_a_job_that_is_not_as_it_was_seen_is_not_edited(self, buoy_app: App) -> None:
        id = Charge.enqueue(1).id
        seen = buoy_app.find(id)
        assert buoy_app.edit(id, [2]) == "edited"

        assert buoy_app.edit(id, [3], seen=seen) == "changed"

        view = buoy_app.find(id)
        assert view is not None
        assert view.args == [2]

    def test_what_perform_cannot_take_is_refused(self, buoy_app: App) -> None:
        id = Charge.enqueue(1, "USD").id

        with pytest.raises(InvalidArguments, match="but missing a required argument"):
            buoy_app.edit(id, [])
        with pytest.raises(InvalidArguments, match="multiple values for argument 'currency'"):
            buoy_app.edit(id, kwargs={"currency": "EUR"})
        with pytest.raises(InvalidArguments, match="argument 1"):
            buoy_app.edit(id, [{1: 2}])
        with pytest.raises(ConfigurationError, match=r"edit\(args\): expected a list, got '12'"):
            buoy_app.edit(id, "12")
        with pytest.raises(PayloadTooLarge):
            buoy_app.edit(id, [1, "x" * 2**20])

    def test_a_class_that_is_not_loaded_is_not_asked(self, buoy_app: App) -> None:
        id = buoy_app.push("other.Job", [1], queue="purchasing").id

        assert buoy_app.edit(id, ["any", 2], {"x": None}) == "edited"

        view = buoy_app.find(id)
        assert view is not None
        assert (view.args, view.kwargs) == (["any", 2], {"x": None})

    def test_what_cannot_be_read_is_refused(self, buoy_app: App) -> None:
        id = Charge.enqueue(1).id
        buoy_app.command("HSET", buoy_app.key("purchasing", "jobs"), id, "{\x1b")

        with pytest.raises(CorruptPayload, match="expected a payload that can be read"):
            buoy_app.edit(id, [2])

    def test_claims_of_the_old_arguments_must_be_kept_knowingly(self, buoy_app: App) -> None:
        id = Single.enqueue(1).id

        with pytest.raises(ConfigurationError) as raised:
            buoy_app.edit(id, [2])
        assert str(raised.value) == (
            f"{id}: expected a job without claims, got one with place 1, which were made for its "
            "arguments; cancel it and enqueue another one, or keep its claims (--keep-claims, "
            "keep_claims=True)"
        )
        assert buoy_app.edit(id, [2], keep_claims=True) == "edited"
        assert buoy_app.monitor.holder("purchasing", "place 1") == id

        assert buoy_app.edit(Latest.enqueue(1).id, [2]) == "edited"

    def test_the_identifier_follows_the_arguments(self, buoy_app: App) -> None:
        id, plain = Named.enqueue(1).id, Charge.enqueue(1)

        assert buoy_app.edit(id, [2]) == "edited"
        assert buoy_app.edit(plain.id, [2]) == "edited"

        views = [buoy_app.find(id), buoy_app.find(plain.id)]
        assert views[0] is not None
        assert views[1] is not None
        assert views[0].identifier == "purchase 2"
        assert views[1].identifier == Charge.enqueue(2).identifier != plain.identifier

        registry.pop(Named.name)
        with pytest.raises(ConfigurationError, match="to be loaded, since it makes its own"):
            buoy_app.edit(id, [3])

    def test_fields_that_this_version_does_not_know_stay(self, buoy_app: App) -> None:
        id = Charge.enqueue(1).id
        key = buoy_app.key("purchasing", "jobs")
        payload = json.loads(buoy_app.command("HGET", key, id)) | {"later": {"a": 1}}
        buoy_app.command("HSET", key, id, json.dumps(payload))

        assert buoy_app.edit(id, [2]) == "edited"

        assert json.loads(buoy_app.command("HGET", key, id)) == payload | {"args": [2]}


class TestRaces:
    @pytest.mark.parametrize("to", [None, "slow"])
    def test_a_retry_by_an_older_list_undoes_no_edit(self, buoy_app: App, to: str | None) -> None:
        id = Charge.enqueue(-1).id
        assert drain(buoy_app) == {"failed": 1}
        seen = list(buoy_app.failures.find())
        assert buoy_app.edit(id, [1]) == "edited"

        assert buoy_app.failures.retry(seen, to=to)[id].kind == "gone"

        view = buoy_app.find(id)
        assert view is not None
        assert (view.state, view.args) == ("failed", [1])
        assert buoy_app.retry(id, to=to).kind == "queued"
        assert drain(buoy_app) == {"done": 1}

    def test_what_runs_has_run_as_it_was_taken_or_as_it_was_edited(self, buoy_app: App) -> None:
        """An edit that says "edited" is what runs; any other answer has changed nothing."""
        ids = [handle.id for handle in Charge.enqueue_many([(n,) for n in range(60)])]
        answers: dict[str, str] = {}

        def edit_all() -> None:
            for id in random.sample(ids, len(ids)):
                answers[id] = buoy_app.edit(id, [1000 + ids.index(id)])

        editor = threading.Thread(target=edit_all)
        editor.start()
        taken: dict[str, list[Any]] = {}
        for number in range(60):
            request = RoundTripRequest("purchasing", number, wanted=1)
            for held in buoy_app.broker.advance_queue("one", request).reservations:
                taken[held.id] = json.loads(held.payload)["args"]
        editor.join()

        assert len(taken) == 60
        for number, id in enumerate(ids):
            expected = 1000 + number if answers[id] == "edited" else number
            assert taken[id] == [expected], (id, answers[id])

    def test_two_edits_at_once_do_not_mix(self, buoy_app: App) -> None:
        id = Charge.enqueue(0).id
        answers: list[str] = []

        def edit(number: int) -> None:
            seen = buoy_app.find(id)
            assert seen is not None
            answers.append(buoy_app.edit(id, [number, str(number)], seen=seen))

        threads = [threading.Thread(target=edit, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        view = buoy_app.find(id)
        assert view is not None
        assert view.args[1] == str(view.args[0])
        assert set(answers) <= {"edited", "changed"}
        assert "edited" in answers
