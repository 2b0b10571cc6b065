"""The plugin on the job classes of tasks: keeps their results, and sends Django's signals."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from buoy import Done, Later, Plugin, RunInfo, hookimpl
from buoy.plugins import SEALED, is_sealed

from .attempts import data_of, forget_attempt, note_attempt, note_error, now
from .interface import TaskResultStatus, task_finished, task_started
from .results import result_of, result_of_run
from .store import keep


@dataclass(frozen=True)
class TaskResults(Plugin):
    """Keeps the results of tasks, for ``ttl`` seconds after their ends, and sends the signals."""

    ttl: float

    @hookimpl(wrapper=True)
    def around_perform(self, job: Any) -> Generator[None, Any, Any]:
        """Note who runs the task since when, and what it returns."""
        note_attempt(job)
        tell(task_started, job, result_of_run(job))
        try:
            job.returned = yield
        except SystemExit as error:
            if job.is_inline:  # buoy asks no plugin: that may be meant for the program
                note_error(job, error)
                self.end(job, TaskResultStatus.FAILED, None)
            raise
        return job.returned

    @hookimpl(wrapper=True)
    def on_failure(
        self, job: Any, error: BaseException
    ) -> Generator[None, Later | None, Later | None]:
        """Note the error, and the end of the task if it is not tried again. Receivers of the signal
        find the error in ``sys.exc_info()``, as in those of Django's own backends. A run that had
        nothing to do yet is no attempt, and has no error."""
        note_attempt(job)
        verdict = None
        try:
            verdict = yield
        finally:  # also if another plugin fails
            if isinstance(verdict, Later) and not verdict.count:
                forget_attempt(job)
            else:
                note_error(job, error)
        if verdict is None:
            self.end(job, TaskResultStatus.FAILED, None)
        return verdict

    @hookimpl
    def after_run(self, job: Any, run: RunInfo) -> None:
        """Note the end of a task that has succeeded."""
        if job is not None and isinstance(run.outcome, Done):
            self.end(job, TaskResultStatus.SUCCESSFUL, job.returned)

    def end(self, job: Any, status: Any, value: Any) -> None:
        """Keep the record of the end of a task, and tell of it."""
        kept = data_of(job) | {"status": str(status), "return_value": value}
        kept |= {"name": job.name, "args": job.payload.args, "kwargs": job.payload.kwargs}
        kept |= {"enqueued_at": job.payload.enqueued_at, "finished_at": now()}
        keep(job, kept | hidden_if_sealed(job), self.ttl)
        tell(task_finished, job, result_of(job.task, job.id, job.queue, kept))


def hidden_if_sealed(job: Any) -> dict[str, Any]:
    """Returns what is kept in place of arguments and result of a task that are sealed."""
    hidden = {"args": [SEALED], "kwargs": {}, "return_value": SEALED}
    return hidden if is_sealed(job) else {}


def tell(signal: Any, job: Any, result: Any) -> None:
    """Send a signal. Errors of its receivers are logged by Django, and do not concern the task."""
    signal.send_robust(type(result.task.get_backend()), task_result=result)
