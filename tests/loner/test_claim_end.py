"""When a claim is free again: when its job has ended in any way, and not before."""

from click.testing import CliRunner, Result

from buoy import App
from buoy.cli import main
from buoy.testing import Clock, drain
from buoy_loner import holder

from .shop import Charge, Fleeting, Reindex, Tenacious, finish, state_and_holder, take


def buoy(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == code, result.output
    return result


def claim_fields(app: App, queue: str = "purchasing") -> int:
    """Counts the fields in Redis: two for each claim, to find it and to free it."""
    return int(app.command("HLEN", app.key(queue, "claims")))


def test_a_job_that_is_done_frees_its_claim(buoy_app: App) -> None:
    first = Charge.enqueue(42)
    reservation = take(buoy_app, "purchasing")
    assert state_and_holder(Charge.enqueue(42)) == ("exists", first.id)

    finish(buoy_app, reservation)

    assert claim_fields(buoy_app) == 0
    assert Charge.enqueue(42).state == "queued"


def test_a_failed_job_frees_its_claim(buoy_app: App) -> None:
    Charge.enqueue(42, "fail")

    assert drain(buoy_app) == {"failed": 1}

    assert claim_fields(buoy_app) == 0
    assert Charge.enqueue(42, "fail").state == "queued"


def test_a_retried_job_frees_its_claim_only_when_it_is_given_up(
    buoy_app: App, buoy_clock: Clock
) -> None:
    first = Tenacious.enqueue(42, "fail")
    assert drain(buoy_app) == {"delayed": 1}
    assert state_and_holder(Tenacious.enqueue(42, "fail")) == ("exists", first.id)
    buoy_clock.advance(61)

    assert drain(buoy_app) == {"failed": 1}

    assert claim_fields(buoy_app) == 0


def test_a_dequeued_job_frees_its_claim(buoy_app: App) -> None:
    Charge.enqueue(42)
    Charge.using(delay=60).enqueue(43)

    assert len(buoy_app.dequeue(Charge)) == 2

    assert claim_fields(buoy_app) == 0


def test_clearing_a_queue_frees_all_claims(buoy_app: App) -> None:
    Charge.enqueue(42)
    Charge.using(delay=60).enqueue(43)

    buoy("queues", "clear", "purchasing", "--yes")

    assert claim_fields(buoy_app) == 0


def test_an_expired_job_frees_its_claim(buoy_app: App, buoy_clock: Clock) -> None:
    Fleeting.enqueue(42)
    buoy_clock.advance(6)

    assert drain(buoy_app) == {"rejected": 1}

    assert claim_fields(buoy_app) == 0


def test_a_running_job_keeps_its_claim_however_long_it_runs(
    buoy_app: App, buoy_clock: Clock
) -> None:
    first = Charge.enqueue(42)
    reservation = take(buoy_app, "purchasing")

    for _ in range(100):
        buoy_clock.advance(20)
        assert buoy_app.broker.renew_leases({"purchasing": [reservation]}) == []
        assert state_and_holder(Charge.enqueue(42)) == ("exists", first.id)

    assert finish(buoy_app, reservation) == []
    assert claim_fields(buoy_app) == 0


def test_a_job_whose_worker_is_lost_keeps_its_claim(buoy_app: App, buoy_clock: Clock) -> None:
    first = Charge.enqueue(42)
    lost = take(buoy_app, "purchasing", "dying")
    for _ in range(40):  # another worker looks closely: silence would be taken for an outage
        buoy_clock.advance(1)
        buoy_app.broker.renew_leases({"purchasing": []})

    assert [view.id for view in buoy_app.monitor.peek("purchasing")] == [first.id]
    assert state_and_holder(Charge.enqueue(42)) == ("exists", first.id)
    assert drain(buoy_app) == {"done": 1}
    assert claim_fields(buoy_app) == 0

    second = Charge.enqueue(42)
    assert finish(buoy_app, lost) == [first.id]  # too late: another job holds the claim now
    assert holder(Charge, 42) == second.id


def test_a_job_that_is_cancelled_while_it_runs_frees_its_claim(buoy_app: App) -> None:
    first = Charge.enqueue(42)
    reservation = take(buoy_app, "purchasing")

    assert buoy_app.cancel(first.id) == "running"

    second = Charge.enqueue(42)
    assert state_and_holder(second) == ("queued", None)
    assert finish(buoy_app, reservation) == [first.id]
    assert holder(Charge, 42) == second.id


def test_a_job_whose_workers_die_too_often_frees_its_claim(
    buoy_app: App, buoy_clock: Clock
) -> None:
    first = Charge.enqueue(42)
    for _ in range(4):
        assert take(buoy_app, "purchasing", "dying").id == first.id
        for _ in range(40):
            buoy_clock.advance(1)
            buoy_app.broker.renew_leases({"purchasing": []})
        assert holder(Charge, 42) == first.id

    assert drain(buoy_app) == {"failed": 1}

    assert claim_fields(buoy_app) == 0


def test_a_failed_job_that_is_put_back_takes_its_claim_again(buoy_app: App) -> None:
    first = Charge.enqueue(42, "fail")
    drain(buoy_app)

    buoy("failed", "retry", first.id)

    assert state_and_holder(Charge.enqueue(42, "fail")) == ("exists", first.id)


def test_a_failed_job_is_not_put_back_while_another_job_holds_its_claim(buoy_app: App) -> None:
    first = Charge.enqueue(42, "fail")
    drain(buoy_app)
    second = Charge.enqueue(42, "fail")

    said = buoy("failed", "retry", first.id, code=1).output

    assert said == (
        f"0 jobs were queued\n{first.id} stays failed: job {second.id} holds its claim\n"
    )
    assert holder(Charge, 42, "fail") == second.id


# until="started"


def test_until_started_another_job_can_take_the_claim_while_the_first_runs(buoy_app: App) -> None:
    first = Reindex.enqueue(7)
    assert state_and_holder(Reindex.enqueue(7)) == ("exists", first.id)

    reservation = take(buoy_app, "default")
    assert holder(Reindex, 7) is None
    second = Reindex.enqueue(7)

    assert state_and_holder(Reindex.enqueue(7)) == ("exists", second.id)
    finish(buoy_app, reservation)
    assert holder(Reindex, 7) == second.id
    assert drain(buoy_app) == {"done": 1}
    assert claim_fields(buoy_app, "default") == 0


def test_until_started_a_job_does_not_take_its_claim_back_when_its_worker_dies(
    buoy_app: App, buoy_clock: Clock
) -> None:
    first = Reindex.enqueue(7)
    take(buoy_app, "default", "dying")
    buoy_clock.advance(1000)
    second = Reindex.enqueue(7)

    assert state_and_holder(second) == ("queued", None)
    assert first.id != second.id
    assert holder(Reindex, 7) == second.id


def test_until_started_a_job_does_not_take_its_claim_back_for_a_retry(
    buoy_app: App, buoy_clock: Clock
) -> None:
    Reindex.enqueue(7, "fail")
    assert drain(buoy_app) == {"delayed": 1}

    second = Reindex.using(delay=3600).enqueue(7, "fail")
    assert state_and_holder(second) == ("delayed", None)
    buoy_clock.advance(61)

    assert drain(buoy_app) == {"failed": 1}
    assert holder(Reindex, 7, "fail") == second.id
