"""Priorities: jobs of a queue that run before others, or after them."""

from collections.abc import Sequence

import pytest

from buoy import App, ConfigurationError, Job, QueueFull, job
from buoy.model.payload import Payload
from buoy.model.reservation import OutcomeWord
from buoy.model.retry_answer import Retry
from buoy.operations.repair import repair
from buoy.settings import Settings
from buoy.testing import drain
from tests.support.snapshot import check_whole
from tests.support.world import RECOVERY, World, done

HIGH, LOW = [("priority", "high")], [("priority", "low")]
FRONT = {level: [("priority", f"{level} front")] for level in ("high", "normal", "low")}


def rows(world: World) -> list[str]:
    """Two jobs of each priority, the lowest enqueued first; returns them as they will run."""
    world.enqueue("l1", "l2", claims=LOW)
    world.enqueue("n1", "n2")
    world.enqueue("h1", "h2", claims=HIGH)
    return ["h1", "h2", "n1", "n2", "l1", "l2"]


def test_jobs_of_higher_priority_run_first(any_world: World) -> None:
    world = any_world
    order = rows(world)

    assert world.queued == order
    assert [world.take_one().id for _ in order] == order
    check_whole(world)


@pytest.mark.parametrize("wanted", [1, 2, 3, 4, 5, 6, 7])
def test_one_round_trip_takes_jobs_of_all_priorities(world: World, wanted: int) -> None:
    order = rows(world)

    trip = world.trip(wanted)

    assert [each.id for each in trip.reservations] == order[:wanted]
    assert world.queued == order[wanted:]
    check_whole(world)


def test_a_job_goes_to_the_front_of_its_priority(world: World) -> None:
    order = rows(world)

    for level, claims in FRONT.items():
        assert world.enqueue(f"{level} first", claims=claims) == ["queued"]

    h, n, low = order[:2], order[2:4], order[4:]
    assert world.queued == ["high first", *h, "normal first", *n, "low first", *low]
    check_whole(world)


@pytest.mark.parametrize("outcome", ["released", "crashed"])
@pytest.mark.parametrize("claims", [HIGH, LOW, FRONT["normal"]])
def test_a_job_that_is_given_back_goes_before_those_of_its_priority(
    world: World, outcome: OutcomeWord, claims: Sequence[tuple[str, str]]
) -> None:
    world.enqueue("a", "b", claims=claims)
    [held] = world.take(1)
    order = [held.id, *world.queued]

    world.settle(held, outcome)

    assert world.queued == order
    check_whole(world)


def test_a_job_whose_worker_is_lost_goes_before_those_of_its_priority(world: World) -> None:
    order = rows(world)
    world.take(6)

    world.live_on(RECOVERY)

    assert world.queued == order
    check_whole(world)


def test_a_delayed_job_keeps_its_priority(world: World) -> None:
    order = rows(world)
    world.enqueue("h3", due="+1000", claims=HIGH)
    world.enqueue("l3", due="+1000", claims=LOW)
    world.enqueue("n0", due="+1000", claims=FRONT["normal"])
    assert set(world.delayed) == {"h3", "l3", "n0"}
    world.wait(1001)

    world.trip(0)

    assert world.queued == [*order[:2], "h3", "n0", *order[2:], "l3"]
    check_whole(world)


def test_a_further_attempt_keeps_its_priority(world: World) -> None:
    order = rows(world)
    held = world.take_one()
    world.settle(held, "delayed", wait=1.0)
    world.wait(1001)

    world.trip(0)

    assert world.queued == ["h2", "h1", *order[2:]]
    check_whole(world)


def test_a_failed_job_that_is_retried_has_its_priority(world: World) -> None:
    order = rows(world)
    held = world.take_one()
    world.settle(held, "failed")
    at = int(world.call("ZSCORE", "failed", "h1"))
    check_whole(world)
    assert "?h1" not in world.call("HKEYS", "claims")

    world.control.retry(world.queue, [Retry("h1", at, held.payload, HIGH)])

    assert world.queued == ["h2", "h1", *order[2:]]
    check_whole(world)


def test_a_delayed_job_that_is_to_run_now_has_its_priority(world: World) -> None:
    order = rows(world)
    world.enqueue("h3", due="+600000", claims=HIGH)

    world.control.reschedule(world.queue, ["h3"], None)

    assert world.queued == [*order[:2], "h3", *order[2:]]
    check_whole(world)


def test_a_blocked_job_keeps_its_priority(world: World) -> None:
    order = rows(world)
    limited = [("k", "1 finished")]
    world.enqueue("first", claims=[*limited, *FRONT["high"]])
    assert world.enqueue("second", claims=[*limited, *HIGH]) == ["blocked"]
    held = world.take_one()

    world.trip(0, done(held))

    assert held.id == "first"
    assert world.queued == [*order[:2], "second", *order[2:]]
    check_whole(world)


def test_jobs_that_have_ended_leave_nothing(world: World) -> None:
    rows(world)
    trip = world.trip(6)

    world.trip(0, *map(done, trip.reservations))

    assert not world.call("EXISTS", "claims")
    assert not world.call("EXISTS", "ranked")
    check_whole(world)


def test_a_job_that_has_lost_leases_runs_alone(world: World) -> None:
    world.enqueue("h1", claims=HIGH)
    world.lose("h1", times=2)
    world.enqueue("h0", claims=FRONT["high"])
    world.enqueue("n1")

    assert [each.id for each in world.take(3)] == ["h0"]
    assert world.take(3, hands=1) == []
    assert [each.id for each in world.take(3)] == ["h1"]
    check_whole(world)


def test_a_normal_job_that_has_lost_leases_waits_for_high_ones(world: World) -> None:
    world.enqueue("n1")
    world.lose("n1", times=2)
    world.enqueue("h1", claims=HIGH)

    trip = world.trip(3)

    assert ([each.id for each in trip.reservations], trip.state) == (["h1"], "alone")
    assert world.queued == ["n1"]


# Ageing


def ageing(world: World, seconds: float) -> None:
    world.broker.ageing_ms = round(seconds * 1000)


def test_jobs_of_low_priority_wait_as_long_as_there_are_others(world: World) -> None:
    rows(world)
    world.wait(10**9)

    assert world.trip(0) is not None

    assert world.queued[-2:] == ["l1", "l2"]


def test_with_ageing_a_job_of_low_priority_waits_like_a_normal_one_in_the_end(
    world: World,
) -> None:
    ageing(world, 60)
    rows(world)
    world.wait(59_000)
    world.enqueue("l3", claims=LOW)
    world.trip(0)
    assert world.queued[-3:] == ["l1", "l2", "l3"]
    world.wait(1_100)

    world.trip(0)
    world.enqueue("n3")

    assert world.queued == ["h1", "h2", "n1", "n2", "l1", "l2", "n3", "l3"]
    check_whole(world)


# Operators


def test_people_see_the_jobs_in_the_order_in_which_they_will_run(world: World) -> None:
    order = rows(world)

    assert world.monitor.queued_ids(world.queue, 4) == order[:4]
    for start in range(7):
        for count in range(1, 7):
            views = world.monitor.peek(world.queue, start, count)
            assert [view.id for view in views] == order[start : start + count]
    [queue] = world.monitor.queues([world.queue])
    assert queue.queued == 6
    assert world.find("h1") == (world.jobs["h1"], "queued", "")
    found = world.monitor.find("l2", world.queue)
    assert found is not None
    assert found.state == "queued"


def test_a_job_of_any_priority_is_removed_at_once(world: World) -> None:
    rows(world)

    answers = world.control.remove(world.queue, ["h1", "n1", "l1"], " queued")

    assert answers == {"h1": "queued", "n1": "queued", "l1": "queued"}
    assert world.queued == ["h2", "n2", "l2"]
    check_whole(world)


def test_latency_counts_jobs_of_all_priorities(world: World) -> None:
    world.enqueue("l1", claims=LOW)
    world.wait(5_000)
    world.enqueue("h1", claims=HIGH)
    world.wait(5_000)

    [queue] = world.monitor.queues([world.queue])

    assert 9.9 < queue.latency < 60


def test_the_length_of_a_queue_counts_all(world: World) -> None:
    rows(world)

    assert world.enqueue("more", max_length=6) == ["full 6"]


def test_a_worker_of_several_queues_sees_jobs_of_any_priority(world: World) -> None:
    world.enqueue("l1", claims=LOW)

    _, statuses = world.broker.advance("one", [], [world.queue])

    assert statuses[world.queue] == (1, None)


# Repair


def test_repair_finds_no_fault_in_priorities(world: World) -> None:
    rows(world)

    assert world.broker.run_steps(repair(world.broker, world.queue, mend=True)) == []


def test_repair_mends_a_job_that_is_queued_twice(world: World) -> None:
    order = rows(world)
    world.call("RPUSH", "queued", "h1")
    world.call("ZADD", "ranked", -1, "n2")

    faults = world.broker.run_steps(repair(world.broker, world.queue, mend=True))

    assert {(each.subject, each.kind) for each in faults} == {
        ("h1", "twice queued"),
        ("n2", "twice queued"),
        ("n2", "rank"),
    }
    assert sorted(world.queued) == sorted(order)
    check_whole(world)


def test_repair_takes_out_an_id_without_a_job(world: World) -> None:
    order = rows(world)
    world.call("ZADD", "ranked", 1, "ghost")

    [fault] = world.broker.run_steps(repair(world.broker, world.queue, mend=True))

    assert (fault.subject, fault.kind) == ("ghost", "empty")
    assert world.queued == order


def test_repair_puts_a_job_in_no_place_back_to_its_priority(world: World) -> None:
    order = rows(world)
    world.call("ZREM", "ranked", "l2")

    [fault] = world.broker.run_steps(repair(world.broker, world.queue, mend=True))

    assert (fault.subject, fault.kind) == ("l2", "nowhere")
    assert world.queued == [*order[:4], "l2", "l1"]


def test_repair_queues_jobs_whose_priority_is_lost(world: World) -> None:
    rows(world)
    world.call("DEL", "claims")  # now no script knows that there are priorities

    faults = world.broker.run_steps(repair(world.broker, world.queue, mend=True))

    assert {(each.subject, each.kind) for each in faults} == {
        (id, "rank") for id in ("h1", "h2", "l1", "l2")
    }
    assert sorted(world.queued) == ["h1", "h2", "l1", "l2", "n1", "n2"]
    assert not world.call("EXISTS", "ranked")
    assert len(world.take(6)) == 6
    check_whole(world)


# Jobs


class Mail(Job):
    queue = "mail"

    def perform(self, to: str) -> str:
        return to


class Bulk(Mail):
    priority = "low"

    def perform(self, to: str) -> str:
        return to


@job(queue="mail", priority="high")
def reset_password(to: str) -> None: ...


def upcoming(app: App, queue: str = "mail") -> list[str]:
    """The arguments of the queued jobs, in the order in which they will run."""
    return [str(view.args[0]) for view in app.monitor.peek(queue, 0, 100)]


def test_a_class_or_a_call_sets_the_priority(buoy_app: App) -> None:
    Bulk.enqueue("bulk")
    Mail.enqueue("mail")
    reset_password.enqueue("password")
    Bulk.using(priority="normal").enqueue("better bulk")
    Mail.using(priority="high", front=True).enqueue("urgent")
    Mail.using(front=True).enqueue("next")

    assert upcoming(buoy_app) == ["urgent", "password", "next", "mail", "better bulk", "bulk"]
    views = {str(view.args[0]): view for view in buoy_app.monitor.peek("mail", 0, 100)}
    assert views["bulk"].priority == "low"
    assert views["mail"].priority == "normal"
    assert views["next"].priority == "normal"
    assert views["urgent"].priority == "high"
    assert all(view.claims == () for view in views.values())
    drain(buoy_app, "mail")


def test_a_plain_job_of_normal_priority_stores_nothing_of_it(buoy_app: App) -> None:
    Mail.enqueue("a")
    Mail.using(priority="normal").enqueue("b")

    for view in buoy_app.monitor.peek("mail", 0, 10):
        assert not Payload.decoded(view.raw).claims


def test_many_jobs_are_enqueued_with_their_priority(buoy_app: App) -> None:
    Mail.enqueue("mail")
    reset_password.enqueue_many([("a",), ("b",)])

    assert upcoming(buoy_app) == ["a", "b", "mail"]


def test_the_queue_is_full_of_jobs_of_all_priorities(buoy_app: App) -> None:
    Bulk.enqueue("a")

    with pytest.raises(QueueFull):
        Mail.using(max_length=1).enqueue("b")


@pytest.mark.parametrize("wrong", ["urgent", 1, None, True, [], "High"])
def test_a_wrong_priority_is_refused(wrong: object) -> None:
    with pytest.raises(ConfigurationError, match='expected "high", "normal" or "low", got'):
        type("Wrong", (Mail,), {"priority": wrong, "__module__": __name__})
    if wrong is not None:
        with pytest.raises(ConfigurationError, match=r"using\(priority\): expected"):
            Mail.using(priority=wrong)  # type: ignore[arg-type]  # that is what is tested
    with pytest.raises(ConfigurationError, match=r"using\(front\): expected True or False, got"):
        Mail.using(front="yes")  # type: ignore[arg-type]  # that is what is tested


@pytest.mark.parametrize("wrong", [-1, 0.0001, 10**9, "60", float("nan"), True])
def test_a_wrong_time_of_ageing_is_refused(wrong: object) -> None:
    with pytest.raises(ConfigurationError, match=r"ageing: expected 0, or 0\.001 or more seconds"):
        Settings(ageing=wrong)  # type: ignore[arg-type]  # that is what is tested


def test_a_job_that_is_moved_keeps_its_priority(buoy_app: App) -> None:
    Mail.using(queue="other", priority="high").enqueue("moved")
    Mail.enqueue("mail")
    [view] = buoy_app.monitor.peek("other")

    buoy_app.move("other", "mail")

    assert view.priority == "high"
    assert upcoming(buoy_app) == ["moved", "mail"]


class Campaign(Mail):
    def perform(self, to: str) -> str:
        for kind in (Mail, Bulk, reset_password):
            self.enqueue_after_success(kind.using(queue="later"), f"{kind.priority} {to}")
        return to


def test_what_is_enqueued_after_a_success_has_its_priority(buoy_app: App) -> None:
    Campaign.enqueue("ada")

    drain(buoy_app, "mail")

    assert upcoming(buoy_app, "later") == ["high ada", "normal ada", "low ada"]


def test_what_follows_a_job_has_its_priority(buoy_app: App) -> None:
    Bulk.using(queue="later").enqueue("before")
    Mail.then(Bulk.using(queue="later", front=True), "front").enqueue("a")
    Mail.then(Mail.using(queue="later", priority="high"), "high").enqueue("b")

    drain(buoy_app, "mail")

    assert upcoming(buoy_app, "later") == ["high", "front", "before"]
