"""What is known of a job, wherever it is: one look at all queues."""

from buoy import App, Job
from buoy.operations.known_job import facts_of, known_job
from buoy.testing import drain


class Sort(Job):
    queue = "letters"

    def perform(self, number: int) -> None: ...


def test_it_takes_two_round_trips_however_many_queues_there_are(buoy_app: App) -> None:
    for number in range(20):
        buoy_app.push("shop.Gone", [number], queue=f"q{number}")
    id = Sort.enqueue(1).id
    buoy_app.find(id)  # the server learns the script
    client, trips = buoy_app.broker.client, 0
    real = client.calls

    def counting(commands: object) -> list[object]:
        nonlocal trips
        trips += 1
        return real(commands)  # type: ignore[arg-type]

    client.calls = counting  # type: ignore[method-assign]
    try:
        known = known_job(buoy_app.monitor, id)
    finally:
        client.calls = real  # type: ignore[method-assign]

    assert known.job is not None
    assert (known.job.id, known.queues, known.ended_at) == (id, ["letters"], None)
    assert trips == 2


def test_the_last_of_two_ends_counts(buoy_app: App) -> None:
    id = Sort.enqueue(1).id
    drain(buoy_app, "letters")
    buoy_app.push("shop.Gone", [1], queue="other")
    buoy_app.command("ZADD", buoy_app.key("other", "ended"), 10**13, id)

    known = known_job(buoy_app.monitor, id)

    assert (known.job, known.queues, known.ended_at) == (None, ["other"], 10**10)


def test_of_an_unknown_job_all_queues_may_know_more(buoy_app: App) -> None:
    Sort.enqueue(1)

    for id in ("unknown", "\udcff", ""):
        known = known_job(buoy_app.monitor, id)
        assert (known.job, known.queues, known.ended_at) == (None, ["letters"], None)
        assert facts_of(buoy_app, known) == {}
