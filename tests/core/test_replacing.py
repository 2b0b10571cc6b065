"""Jobs that replace one that waits, and jobs that come too soon, on a server and on a cluster."""

import re
from itertools import count

import pytest

from buoy import PluginError, Transition
from buoy.errors import CorruptPayload, EnqueueError
from buoy.model.due import NOW, Due
from buoy.model.entry import Entry
from buoy.model.payload import Payload
from buoy.model.reservation import RoundTripRequest
from tests.support.world import World

ids = count(1)


def entry(
    world: World,
    number: int,
    *,
    until: str = "finished",
    due: Due = NOW,
    at_most: float | None = None,
    name: str = "Job",
    priority: str = "normal",
    version: int | None = None,
) -> Entry:
    """A job that may replace another one; its id is its number."""
    transition = Transition(world.queue)
    transition.claim("k", until, "replace", at_most)  # type: ignore[arg-type]  # it is one of both
    transition.rank(priority, front=False)
    if version is not None:
        transition.newer("version", version)
    payload = Payload("Job", [number], {}, str(number), claims=transition.claims)
    return Entry(str(number), payload.encoded().encode(), name, due, transition)


def said(world: World, *entries: Entry) -> list[str]:
    return [str(answer) for answer in world.broker.enqueue(world.queue, entries)]


def stored(world: World) -> dict[str, list[object]]:
    """The arguments of the jobs, by id; each payload has the id of its job."""
    found = {id: Payload.decoded(text) for id, text in world.jobs.items()}
    assert all(payload.id == id for id, payload in found.items())
    return {id: list(payload.args) for id, payload in found.items()}


def test_the_job_that_waits_gets_the_new_payload(any_world: World) -> None:
    assert said(any_world, entry(any_world, 1), entry(any_world, 2)) == ["queued", "replaced 1"]
    assert said(any_world, entry(any_world, 3)) == ["replaced 1"]

    assert stored(any_world) == {"1": [3]}
    assert any_world.queued == ["1"]


def test_a_key_of_a_wrong_type_refuses_the_job_whole(any_world: World) -> None:
    any_world.call("ZADD", "paces", 1, "a burst that is over")
    any_world.call("SET", "paced", "no hash")

    with pytest.raises(EnqueueError):
        said(any_world, entry(any_world, 1, at_most=5.0))
    assert (any_world.jobs, any_world.claims) == ({}, {})


def test_no_job_replaces_a_newer_one(any_world: World) -> None:
    assert said(any_world, entry(any_world, 1, version=5)) == ["queued"]

    assert said(any_world, entry(any_world, 2, version=3)) == ["older version"]
    assert said(any_world, entry(any_world, 3, version=7)) == ["replaced 1"]
    assert said(any_world, entry(any_world, 4, version=6)) == ["older version"]
    assert stored(any_world) == {"1": [3]}


def test_it_gets_the_new_priority(any_world: World) -> None:
    said(any_world, entry(any_world, 1, priority="low"))
    any_world.enqueue("n")

    assert said(any_world, entry(any_world, 2, priority="high")) == ["replaced 1"]
    assert any_world.queued == ["1", "n"]

    assert said(any_world, entry(any_world, 3)) == ["replaced 1"]
    assert any_world.queued == ["n", "1"]
    assert {*any_world.call("HKEYS", "claims")} == {b">k", b"<1"}


def test_a_delayed_one_has_the_new_priority_when_it_is_due(any_world: World) -> None:
    later = Due(in_ms=60_000)
    said(any_world, entry(any_world, 1, priority="low", due=later))
    any_world.enqueue("n")

    assert said(any_world, entry(any_world, 2, due=later)) == ["replaced 1"]
    any_world.wait(60_001)
    any_world.trip(0)

    assert any_world.queued == ["n", "1"]
    assert not any_world.call("EXISTS", "ranked")


def test_it_gets_the_new_due_time(any_world: World) -> None:
    assert said(any_world, entry(any_world, 1, due=Due(in_ms=60_000))) == ["delayed"]
    assert said(any_world, entry(any_world, 2, due=Due(in_ms=5000))) == ["replaced 1"]
    before = any_world.call("ZSCORE", "delayed", "1")
    assert said(any_world, entry(any_world, 3, due=Due(in_ms=90_000))) == ["replaced 1"]
    assert float(any_world.call("ZSCORE", "delayed", "1")) > float(before) + 80_000

    assert said(any_world, entry(any_world, 4)) == ["replaced 1"]

    assert stored(any_world) == {"1": [4]}
    assert any_world.queued == ["1"]
    assert any_world.call("ZCARD", "delayed") == 0


def test_at_the_latest_some_time_after_the_first(any_world: World) -> None:
    first = entry(any_world, 1, due=Due(in_ms=5000), at_most=20)
    assert said(any_world, first) == ["delayed"]
    limit = float(any_world.call("ZSCORE", "paces", "k"))

    said(any_world, entry(any_world, 2, due=Due(in_ms=50_000), at_most=20))

    assert float(any_world.call("ZSCORE", "delayed", "1")) == limit


@pytest.mark.parametrize("until", ["started", "finished"])
def test_one_that_runs_is_not_replaced(any_world: World, until: str) -> None:
    said(any_world, entry(any_world, 1, until=until))
    any_world.broker.advance_queue("w", trip(any_world))

    answer = said(any_world, entry(any_world, 2, until=until))

    assert answer == (["queued"] if until == "started" else ["exists 1"])
    assert stored(any_world)["1"] == [1]


def trip(world: World) -> RoundTripRequest:
    return RoundTripRequest(world.queue, next(ids), wanted=1)


def test_a_job_from_another_queue_replaces_none(any_world: World) -> None:
    said(any_world, entry(any_world, 1))

    assert said(any_world, entry(any_world, 2, name="")) == ["exists 1"]

    assert stored(any_world) == {"1": [1]}


def test_a_payload_without_a_plain_id_changes_nothing(any_world: World) -> None:
    odd = entry(any_world, 2)._replace(payload=b'{"class":"Job","args":[{"id":"2"}]}')

    with pytest.raises(EnqueueError, match="expected an id without escapes, got another"):
        any_world.broker.enqueue(any_world.queue, [entry(any_world, 1), odd])

    assert any_world.jobs == {}


def test_a_key_throttles(any_world: World) -> None:
    def throttled(number: int) -> Entry:
        transition = Transition(any_world.queue)
        transition.throttle("t", 60)
        return Entry(str(number), b"{}", "Job", NOW, transition)

    assert said(any_world, throttled(1), throttled(2)) == ["queued", "throttled 1"]
    assert said(any_world, throttled(3)) == ["throttled 1"]
    assert any_world.control.lift_throttle(any_world.queue, "t") == "1"
    assert any_world.control.lift_throttle(any_world.queue, "t") is None
    assert said(any_world, throttled(4)) == ["queued"]


def test_the_longer_of_two_claims_holds() -> None:
    transition = Transition("mail")
    transition.claim("a", "started", "replace", 5)
    assert transition.claims == [["a", "started replace 5000"]]
    transition.permit("a", 3)
    transition.claim("a", "finished", "replace")
    transition.claim("a", "started")
    transition.throttle("a", 1)
    transition.throttle("a", 2)
    transition.claim("a", "started")

    assert transition.claims == [
        ["a", "3 finished"],
        ["a", "finished replace"],
        ["a", "throttled 2000"],
    ]


@pytest.mark.parametrize("seconds", [0, -1, "1", None, float("nan"), 1e9])
def test_times_are_checked(seconds: object) -> None:
    said = f"expected from 0.001 to 100000000 seconds, got {seconds!r}"
    with pytest.raises(PluginError, match=f"^throttle: {re.escape(said)}$"):
        Transition("mail").throttle("t", seconds)  # type: ignore[arg-type]
    if seconds is not None:
        with pytest.raises(PluginError, match=f"^claim: {re.escape(said)}$"):
            Transition("mail").claim("k", "started", "replace", seconds)  # type: ignore[arg-type]


@pytest.mark.parametrize("word", ["started replace", "finished replace 12", "latest replace", "x"])
def test_a_payload_may_have_such_claims(word: str) -> None:
    text = Payload("Job", [], {}, "1", claims=[["k", word]]).encoded()
    if word in ("latest replace", "x"):
        with pytest.raises(CorruptPayload):
            Payload.decoded(text)
    else:
        assert Payload.decoded(text).claims == [["k", word]]
