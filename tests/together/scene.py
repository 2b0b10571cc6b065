"""One job in the hands of a test, and what can be seen of it afterwards: the words of the table."""

from typing import Any

from buoy import App, Handle
from buoy.broker.forwarding import forward
from buoy.model.ending import OUTCOMES
from buoy.model.reservation import Reservation
from buoy.operations.views import JobView
from buoy.testing import Clock, FakeWorker
from buoy_batch import Batch
from buoy_loner import holder
from buoy_retry import history
from buoy_status import status

DELAY = 60
"""Seconds after which Retry runs a job again."""


class Seen:
    """What is seen of a job: each column of the table, in its words."""

    def __init__(self, app: App, job: Any) -> None:
        self.app, self.job = app, job
        self.words: tuple[Any, ...] = ()
        self.handles: list[Handle[Any]] = []
        self.before: JobView | None = None

    def enqueue(self, *words: Any, **options: Any) -> None:
        """Enqueue the job, or a second one with the same arguments."""
        self.words = words
        self.handles.append(self.job.using(**options).enqueue(*words))

    @property
    def id(self) -> str:
        return self.handles[0].id

    @property
    def view(self) -> JobView | None:
        return self.app.find(self.id)

    def retry(self, given_up: list[str]) -> str:
        """What Retry has done since ``before``; with the ids for which its alarm was called."""
        now, before = self.view, self.before
        if given_up:
            assert given_up == [self.id]
            assert now is not None
            assert (now.state, history(now)[-1].wait) == ("failed", None)
            return "gives up"
        if now is None or before is None:
            return "is not asked"
        if now.attempt < before.attempt:
            assert (now.attempt, history(now)) == (1, history(before))
            return "begins anew"
        if now.plugin_data == before.plugin_data:
            assert now.attempt == before.attempt
            return "is not asked"
        assert now.state == "delayed"
        if now.attempt == before.attempt:
            assert history(now) == history(before)
            return "snoozes it"
        assert [each.wait for each in history(now)[len(history(before)) :]] == [DELAY]
        return "runs it again"

    def claim(self) -> str:
        """Returns which job holds the claim, as ``holder`` and as a further enqueue see it."""
        now, id = self.view, holder(self.job, *self.words)
        if now is not None and now.queue != self.job.queue:
            assert id is None
            [claim] = [each for each in self.app.monitor.claims(now.queue) if "loner" in each.claim]
            return "held in the other queue" if claim.id == now.id else "lost"
        second = self.job.enqueue(*self.words)
        if id is None:
            assert (second.state, second.holder) == ("queued", None)
            return "free"
        assert (second.state, second.holder) == ("exists", id)
        return "held" if id == self.id else "another job's"

    def status(self) -> str:
        """How the job stands; by its arguments, the latest of its queue is found."""
        found = status(self.handles[0])
        assert found is not None
        if found.queue == self.job.queue:
            assert status(self.job, *self.words) == status(self.handles[-1])
        return found.state


class Scene(Seen):
    """What is seen of a job, and what can happen to it, without any process."""

    batch: Batch | None = None
    """Of which the first job is a member, if it is one."""

    def enqueue(self, *words: Any, **options: Any) -> None:
        if self.batch is None or self.handles:
            super().enqueue(*words, **options)
        else:
            self.words = words
            self.handles.append(self.batch.enqueue(self.job.using(**options), *words))

    def counted(self) -> str:
        """Returns what the batch counts its member as."""
        assert self.batch is not None
        for queue in self.app.monitor.queue_names():
            forward(self.app.broker, queue)
        progress = self.batch.progress()
        assert progress is not None
        assert progress.total == 1
        found: str
        [found] = [name for name in (*OUTCOMES, "pending") if getattr(progress, name)]
        return found

    def __init__(self, app: App, clock: Clock, job: Any) -> None:
        super().__init__(app, job)
        self.clock = clock
        self.worker = FakeWorker(app, job.queue)

    def take(self) -> Reservation:
        """Let a worker take the job, and begin to run it."""
        reservation = self.worker.take()
        assert reservation.id == self.id
        return reservation

    def run(self) -> None:
        """Let a worker take the job, and run it to the end."""
        assert self.worker.run(self.take())

    def kill(self) -> None:
        """Let a worker take the job, and its child be killed."""
        assert self.worker.kill(self.take())

    def lose(self, times: int = 1) -> None:
        """Let a worker take the job and vanish, while another one lives on."""
        for _ in range(times):
            self.take()
            self.worker.lose()
