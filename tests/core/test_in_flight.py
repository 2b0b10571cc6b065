from buoy.model.reservation import Settlement
from buoy.worker.in_flight import InFlight
from tests.support.reservations import held, runs


def test_what_is_settled_is_counted_by_outcome_once() -> None:
    in_flight = InFlight()
    a, b, c = held("a", "b", "c")
    in_flight.add([a, b])
    done = [Settlement.of(each, "done") for each in (a, b, c)]

    in_flight.settle(done, refused=[done[1]])
    in_flight.settle(done, refused=[])

    assert in_flight.counts == {"done": 1}
    assert len(in_flight) == 0


def test_how_jobs_have_ended_is_known_until_redis_has_answered_that() -> None:
    in_flight = InFlight()
    a, b, c = held("a", "b", "c")
    in_flight.add([a, b])
    done = [Settlement.of(each, "done") for each in (a, b, c)]

    assert in_flight.end(done) == done[:2]
    assert in_flight.ended == {a.token: done[0], b.token: done[1]}
    in_flight.settle(done[:1], refused=[])
    in_flight.remove([b])

    assert in_flight.ended == {}


def test_jobs_that_were_put_back_were_not_run() -> None:
    in_flight = InFlight()
    jobs = held("a", "b", "c")
    in_flight.add(jobs)

    in_flight.settle([Settlement.of(each, "released") for each in jobs[:2]], refused=[])
    in_flight.settle([Settlement.of(jobs[2], "failed")], refused=[])

    assert in_flight.runs() == 1


def test_jobs_are_found_by_queue_and_token() -> None:
    in_flight = InFlight()
    a, b = held("a", "b")
    b = b._replace(queue="pdf")
    in_flight.add([a, b])

    assert in_flight.by_queue(["mail", "idle"]) == {"mail": [a], "idle": [], "pdf": [b]}
    assert a.token in in_flight
    in_flight.remove([a, a])
    assert a.token not in in_flight
    assert (in_flight.all(), in_flight.tokens()) == ([b], {b.token})


def test_an_earlier_run_of_a_job_that_is_taken_again_is_found() -> None:
    in_flight = InFlight()
    old, new = runs("a")
    [other] = held("b")
    namesake = other._replace(queue="pdf", token="in another queue")
    in_flight.add([old, other])
    assert in_flight.earlier_runs([]) == []

    in_flight.add([new, namesake])

    assert in_flight.earlier_runs([new, namesake]) == [old]
