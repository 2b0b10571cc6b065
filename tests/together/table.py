"""What can happen to a job, and what comes of it: the table of docs/together.md, row by row.

A story is told up to its ``yield``; what comes after that is the event of the row.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from click.testing import CliRunner

from buoy.cli import main
from buoy_status import cancel

from .jobs import Fleeting, Pay, Wary
from .scene import DELAY, Scene

Story = Callable[[Scene], Iterator[None]]


class Row(NamedTuple):
    """One line of the table: a cell for each thing that can be seen; who tells it, of what job."""

    event: str
    retry: str
    claim: str
    claim_until_started: str
    status: str
    batch: str
    story: Story
    base: type[Pay] = Pay

    @property
    def cells(self) -> tuple[str, ...]:
        return self[:6]


TABLE: list[Row] = []


def row(event: str, *cells: str, base: type[Pay] = Pay) -> Callable[[Story], Story]:
    def enter(story: Story) -> Story:
        retry, claim, until_started, status, batch = cells
        TABLE.append(Row(event, retry, claim, until_started, status, batch, story, base))
        return story

    return enter


def give_up(scene: Scene) -> None:
    """Let the job fail as often as it may."""
    scene.enqueue("busy")
    scene.run()
    scene.clock.advance(DELAY)
    scene.run()


def buoy(*words: str, code: int = 0) -> None:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == code, result.output


# On its way


@row("it is enqueued", "is not asked", "held", "held", "queued", "pending")
def enqueued(scene: Scene) -> Iterator[None]:
    yield
    scene.enqueue()


@row("it is enqueued with a delay", "is not asked", "held", "held", "delayed", "pending")
def delayed(scene: Scene) -> Iterator[None]:
    yield
    scene.enqueue(delay=DELAY)


@row("a worker takes it", "is not asked", "held", "free", "running", "pending")
def taken(scene: Scene) -> Iterator[None]:
    scene.enqueue()
    yield
    scene.take()


@row("it succeeds", "is not asked", "free", "free", "done", "done")
def succeeds(scene: Scene) -> Iterator[None]:
    scene.enqueue()
    yield
    scene.run()


# Failures


@row("it fails, and has retries left", "runs it again", "held", "free", "delayed", "pending")
def fails(scene: Scene) -> Iterator[None]:
    scene.enqueue("busy")
    yield
    scene.run()


@row("a worker takes it for its next attempt", "is not asked", "held", "free", "running", "pending")
def taken_again(scene: Scene) -> Iterator[None]:
    scene.enqueue("busy")
    scene.run()
    yield
    scene.clock.advance(DELAY)
    scene.take()


@row("it raises `Snooze`", "snoozes it", "held", "free", "delayed", "pending")
def puts_itself_off(scene: Scene) -> Iterator[None]:
    scene.enqueue("early")
    yield
    scene.run()


@row("it fails, and has no retries left", "gives up", "free", "free", "failed", "failed")
def fails_too_often(scene: Scene) -> Iterator[None]:
    scene.enqueue("busy")
    scene.run()
    scene.clock.advance(DELAY)
    yield
    scene.run()


@row("it fails by an error of `never`", "gives up", "free", "free", "failed", "failed")
def refused(scene: Scene) -> Iterator[None]:
    scene.enqueue("refused")
    yield
    scene.run()


# Deaths


@row("its child is killed (`DirtyExit`)", "runs it again", "held", "free", "delayed", "pending")
def killed(scene: Scene) -> Iterator[None]:
    scene.enqueue()
    yield
    scene.kill()


@row("its worker is killed, and it goes back", "is not asked", "held", "free", "queued", "pending")
def worker_killed(scene: Scene) -> Iterator[None]:
    scene.enqueue()
    yield
    scene.lose()


@row(
    "its workers die too often (`WorkerLost`)",
    "runs it again",
    "held",
    "free",
    "delayed",
    "pending",
)
def worker_lost(scene: Scene) -> Iterator[None]:
    scene.enqueue()
    scene.lose(4)
    yield
    scene.run()


@row(
    "its workers die too often, with `never=WorkerLost`",
    *("gives up", "free", "free", "failed", "failed"),
    base=Wary,
)
def worker_lost_for_good(scene: Scene) -> Iterator[None]:
    yield from worker_lost(scene)


# Ends from outside


@row("it expires", "is not asked", "free", "free", "cancelled", "expired", base=Fleeting)
def expires(scene: Scene) -> Iterator[None]:
    scene.enqueue()
    scene.clock.advance(6)
    yield
    scene.run()


@row("it is dequeued while it waits", "is not asked", "free", "free", "cancelled", "cancelled")
def dequeued(scene: Scene) -> Iterator[None]:
    scene.enqueue()
    yield
    assert scene.app.dequeue(scene.job, *scene.words) == [scene.id]


@row("it is dequeued while it is delayed", "is not asked", "free", "free", "cancelled", "cancelled")
def dequeued_while_delayed(scene: Scene) -> Iterator[None]:
    scene.enqueue(delay=DELAY)
    yield
    assert scene.app.dequeue(scene.id) == [scene.id]


@row(
    "it is dequeued between two attempts", "is not asked", "free", "free", "cancelled", "cancelled"
)
def dequeued_before_its_next_attempt(scene: Scene) -> Iterator[None]:
    scene.enqueue("busy")
    scene.run()
    yield
    assert scene.app.dequeue(scene.job, *scene.words) == [scene.id]


@row("it is dequeued while it runs", "is not asked", "held", "free", "running", "pending")
def dequeued_while_running(scene: Scene) -> Iterator[None]:
    scene.enqueue()
    scene.take()
    yield
    assert scene.app.dequeue(scene.id) == []


@row("it is cancelled while it runs", "is not asked", "free", "free", "cancelled", "cancelled")
def cancelled(scene: Scene) -> Iterator[None]:
    scene.enqueue()
    scene.take()
    yield
    assert cancel(scene.id) == "running"


@row("`buoy retry cancel`", "is not asked", "free", "free", "cancelled", "cancelled")
def retry_cancelled(scene: Scene) -> Iterator[None]:
    scene.enqueue("busy")
    scene.run()
    yield
    buoy("retry", "cancel", scene.id)


@row("`buoy queues clear`", "is not asked", "free", "free", "cancelled", "cancelled")
def cleared(scene: Scene) -> Iterator[None]:
    scene.enqueue()
    yield
    buoy("queues", "clear", scene.job.queue, "--yes")


# Operators


@row("`buoy retry now`", "is not asked", "held", "free", "queued", "pending")
def made_due(scene: Scene) -> Iterator[None]:
    scene.enqueue("busy")
    scene.run()
    yield
    buoy("retry", "now", scene.id)


@row("`buoy failed retry`", "begins anew", "held", "held", "queued", "failed")
def put_back(scene: Scene) -> Iterator[None]:
    give_up(scene)
    yield
    buoy("failed", "retry", scene.id)


@row("it is dequeued after `buoy failed retry`", "is not asked", "free", "free", "failed", "failed")
def dequeued_after_all(scene: Scene) -> Iterator[None]:
    give_up(scene)
    buoy("failed", "retry", scene.id)
    yield
    assert scene.app.dequeue(scene.id) == [scene.id]


@row(
    "`buoy failed retry`, but another job holds its claim",
    "is not asked",
    *2 * ["another job's"],
    "failed",
    "failed",
)
def not_put_back(scene: Scene) -> Iterator[None]:
    give_up(scene)
    scene.enqueue("busy")
    yield
    buoy("failed", "retry", scene.id, code=1)


@row("`buoy failed remove`", "is not asked", "free", "free", "failed", "failed")
def removed(scene: Scene) -> Iterator[None]:
    give_up(scene)
    yield
    buoy("failed", "remove", scene.id)


@row(
    "`buoy queues move`",
    "is not asked",
    "held in the other queue",
    "held in the other queue",
    "queued",
    "pending",
)
def moved(scene: Scene) -> Iterator[None]:
    scene.enqueue()
    yield
    buoy("queues", "move", scene.job.queue, "elsewhere")
