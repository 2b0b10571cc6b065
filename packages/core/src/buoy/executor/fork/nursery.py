"""The heart of the nursery: forks a child for each job, reads its answer, and reaps it.

It knows no Redis and has no threads. It reads orders from its worker, and sends back the outcome of
each job. Its children answer through pipes. It dies when its worker dies, and they die with it.

Functions of the system are imported by name: an app may replace those in the modules (gevent does),
and the nursery must work nevertheless.
"""

import os
import signal
import socket
import time
from collections.abc import Callable, Collection
from functools import partial
from importlib import import_module
from os import fork
from typing import Any

from ...jobs.current import belong_to
from ...jobs.facts import Facts
from ...jobs.relay import WorkerRelay
from ...jobs.run import load_run, settle_failure
from ...jobs.run_events import tell_reserved
from ...jobs.run_failures import failure_of
from ...jobs.run_log import reservation_fields
from ...model.reservation import Reservation, Settlement
from ...process.logs import logger
from ...process.self_pipe import SelfPipe
from ...process.stopping import stop_flag
from ...process.system import die_with_parent, flush_outputs, kill_sessions
from .answers import Answer, answer_of, parse_answer
from .backlog import Backlog
from .child import DEFAULT, DONE, be_child, set_signal
from .child_state import NO_LIMITS, Child, Limits, death_of
from .deadlines import keep_limits
from .frames import Frames, frame
from .orphans import Orphans
from .poller import Poller
from .process_table import ROWS, STOPPING, TERMINATED, TIMED_OUT, ProcessTable

LOG = "buoy.nursery"

END_SECONDS = 2.0
"""Seconds that a child has between TERM and KILL, or between its answer and its end."""

PLAIN: Answer = {"outcome": "done"}
RELEASED: Answer = {"outcome": "released"}

WORKER_DIED = int(getattr(signal, "SIGRTMAX", signal.SIGUSR2))
"""The signal that Linux sends to the nursery when its worker dies."""


class Nursery:
    """Forks, ends and reaps the children of one worker.

    ``control`` is the socket to the worker, ``hooks`` calls the app's hooks, ``worker`` is a
    process id.
    """

    def __init__(
        self, control: socket.socket, hooks: WorkerRelay, worker: int, table: ProcessTable
    ) -> None:
        self.control, self.channel = control, control.fileno()
        self.worker, self.table = worker, table
        stop_flag.share(table.memory, STOPPING)
        self.hooks = hooks
        self.for_children = hooks if hooks.has_some_for_children else None
        self.orders = Frames()
        self.children: dict[int, Child] = {}
        self.orphans = Orphans(table)
        self.count = 0
        """How many children were forked."""
        self.wake = SelfPipe()
        self.files = Poller()
        self.open, self.closing = True, False
        self.backlog = Backlog()

    def serve(self) -> None:
        """Carry out the orders of the worker, until it is gone, or sends "close"; then let the
        children end that have answered."""
        self.handle_signals()
        self.files.listen(self.wake.fileno(), self.reap)
        self.files.listen(self.control.fileno(), self.read_orders)
        while self.open or (self.closing and self.backlog.exiting):
            self.files.wait(keep_limits(self.children.values(), self.terminate))

    def end(self) -> None:
        """Kill all children, and what they have started."""
        set_signal(int(signal.SIGCHLD), DEFAULT)
        signal.set_wakeup_fd(-1)
        kill_sessions(self.table.used_sessions())

    def handle_signals(self) -> None:
        """Be woken by deaths of children, and end when the worker dies."""
        set_signal(int(signal.SIGCHLD), lambda *_: None)
        self.wake.wake_on_signals()
        set_signal(WORKER_DIED, self.orphan_handler(os.getpid()))
        die_with_parent(self.worker, WORKER_DIED)

    def orphan_handler(self, me: int) -> Callable[..., None]:
        """A signal handler that ends this nursery and its children at once if the worker is dead,
        whatever the nursery is doing. ``me`` is its process id: children inherit the handler."""

        def end(*_: object) -> None:
            if os.getpid() == me and os.getppid() != self.worker:
                try:
                    kill_sessions(self.table.used_sessions())
                finally:
                    os._exit(1)

        return end

    # Orders

    def read_orders(self) -> None:
        """Read the orders of the worker, and carry them out."""
        try:
            data = self.control.recv(1 << 16)
        except OSError:  # the worker was killed before it had read all messages
            data = b""
        if not data:
            self.open = False
            self.files.ignore(self.channel)
        for order in self.orders.feed(data):
            try:
                self.obey(order)
            except Exception:  # noqa: BLE001 - it makes no sense; the next one may
                logger(LOG).exception("an order makes no sense: %.200r", order)

    def obey(self, order: Any) -> None:
        match order:
            case {"run": fields}:
                self.backlog.jobs.append(Reservation(*fields))
                self.start_jobs()
            case {"kill": tokens, "why": why}:
                self.kill(set(tokens), why)
            case {"stopping": True}:
                stop_flag.set(True)
            case {"terminate": True}:
                self.release_waiting(self.backlog.tokens())
                for child in self.children.values():
                    if not child.answered:
                        self.terminate(child, "terminated")
            case {"close": True}:
                self.open, self.closing = False, True

    def kill(self, tokens: set[str], why: str) -> None:
        """Kill the children that run these; ``why`` is killed or lost."""
        self.release_waiting(tokens)
        for child in self.children.values():
            if child.reservation.token in tokens and not child.answered:
                child.kill(why)

    def release_waiting(self, tokens: Collection[str]) -> None:
        """Give back those of these jobs that wait for a child."""
        for each in self.backlog.take(tokens):
            self.send(each.token, RELEASED)

    def terminate(self, child: Child, why: str) -> None:
        """Send TERM to a child; after END_SECONDS it is killed."""
        self.table.memory[child.row] = TIMED_OUT if why == "timeout" else TERMINATED
        child.terminate(why, END_SECONDS)

    # Children

    def start_jobs(self) -> None:
        """Start the jobs that need not wait."""
        while reservation := self.backlog.next():
            self.start_job(reservation)

    def start_job(self, reservation: Reservation) -> None:
        """Load a job, and fork a child that runs it. If it cannot be loaded, the child settles
        it."""
        try:
            job = load_run(reservation)
            limited = job.timeout is not None or job.max_memory is not None
            limits = Limits.of(job) if limited else NO_LIMITS
        except BaseException as error:  # noqa: BLE001 - the class of the job is its user's
            tell_reserved(reservation, None, self.hooks.of_jobs)
            self.fork(reservation, None, error)
        else:
            if job.watched:
                tell_reserved(reservation, job, None)
            self.fork(reservation, job, None, limits)

    def fork(
        self,
        reservation: Reservation,
        job: Facts | None,
        error: BaseException | None,
        limits: Limits = NO_LIMITS,
    ) -> None:
        """Fork a child that runs the job, or that settles it for the error."""
        if self.hooks.before_fork is not None:
            self.hooks.before_fork()
            self.handle_signals()
            flush_outputs()
        try:
            child = self.new_child(reservation, job, error, limits)
        except OSError as refused:  # no memory, too many processes or files: the others continue
            self.postpone(reservation, refused)
            return
        self.children[child.pid] = child
        self.files.listen(child.pipe, partial(self.read_pipe, child))

    def new_child(
        self,
        reservation: Reservation,
        job: Facts | None,
        error: BaseException | None,
        limits: Limits,
    ) -> Child:
        """Fork. Raises OSError when the system refuses."""
        row = self.count % ROWS
        self.count, self.table.memory[row] = self.count + 1, 0
        belong_to(job)
        parent, started = os.getpid(), time.monotonic()
        reader, writer = os.pipe()
        try:
            os.set_blocking(reader, False)
            this = os.fstat(reader)
            pid = fork()
        except OSError:
            os.close(reader)
            os.close(writer)
            raise
        if pid == 0:
            pipe = (writer, reader, (this.st_dev, this.st_ino))
            task = (reservation, job, error, limits.timeout)
            be_child(task, pipe, parent, self.channel, self.table, row, self.for_children)
        os.close(writer)
        self.table.sessions[row] = pid
        return Child(pid, reader, reservation, job, row, started, limits, error)

    def postpone(self, reservation: Reservation, error: OSError) -> None:
        """Delay a job by a second, since the system refuses to fork."""
        text = "no fork for id=%s queue=%s: %s; again in 1 s"
        fields = reservation_fields(reservation, "delayed")
        logger(LOG).error(text, reservation.id, reservation.queue, error, extra=fields)
        delayed = Settlement.of(
            reservation, "delayed", payload=reservation.payload, wait=1.0, name=""
        )
        self.send(reservation.token, answer_of(delayed))

    def read_pipe(self, child: Child) -> bool:
        """Pass on the child's answer as soon as it is complete; the child may still be exiting.

        Returns False when there is nothing to read, for now or for ever.
        """
        try:
            data = os.read(child.pipe, 1 << 16)
        except BlockingIOError:
            return False
        except OSError:  # the app has closed a file that is not its own
            data = b""
        if data == DONE:  # most answers: compared, not parsed, to save memory pages
            self.take(child, child.counted(PLAIN))
        elif not data or not self.parse(child, data):
            self.files.ignore(child.pipe)
            return False
        return child.pipe >= 0

    def parse(self, child: Child, data: bytes) -> bool:
        """Parse bytes that may hold an answer. Returns False when they make no sense."""
        try:
            answers = child.frames.feed(data)
        except (ValueError, RecursionError):  # the job wrote into files that are not its own
            return False
        for answer in answers:
            if child.pipe >= 0 and parse_answer(child.reservation, answer) is not None:
                if answer.pop("redis", False):
                    load_client()
                self.take(child, answer)
        return True

    def take(self, child: Child, answer: Answer) -> None:
        """Pass on the answer of a child, which has END_SECONDS to exit."""
        child.answered, child.deadline = True, time.monotonic() + END_SECONDS
        self.backlog.note_answer()
        self.answer(child, answer)
        self.close_pipe(child)

    def close_pipe(self, child: Child) -> None:
        if child.pipe >= 0:
            self.files.ignore(child.pipe)
            os.close(child.pipe)
            child.pipe = -1

    def answer(self, child: Child, answer: Answer) -> None:
        """Send the worker an answer about a child's job. A job whose lease is lost has one when its
        process is gone; a terminated job that is not done is released."""
        if child.ended_for == "lost":
            return
        if child.ended_for == "terminated" and answer["outcome"] != "done":
            answer = child.counted(RELEASED)
        self.send(child.reservation.token, answer)

    def send(self, token: str, answer: Answer) -> None:
        """Send the worker the outcome of a run."""
        try:
            self.control.sendall(frame({"ended": token, **answer}))
        except OSError:  # the worker is gone
            self.open = False

    def reap(self) -> None:
        """Reap the children that have died. If the app has reaped one, its status is unknown."""
        self.wake.clear()
        for child in list(self.children.values()):
            try:
                pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            except ChildProcessError:
                self.handle_death(child, None, 0)
            else:
                if pid:
                    self.handle_death(child, status, usage.ru_maxrss)
        self.orphans.clear(self.children)
        if self.backlog.jobs:
            self.start_jobs()

    def handle_death(self, child: Child, status: int | None, maxrss: int) -> None:
        """A child has died. If it has left no answer, another child settles its job."""
        while child.pipe >= 0 and self.read_pipe(child):
            pass
        self.close_pipe(child)
        del self.children[child.pid]
        self.orphans.ended.append(child)
        if child.answered:
            self.backlog.note_end()
        if child.ended_for == "lost":
            self.send(child.reservation.token, RELEASED)
        elif child.answered:
            pass
        elif child.ended_for == "terminated":
            self.answer(child, child.counted(RELEASED))
        elif child.error is None:
            self.fork(child.reservation, child.job, death_of(child, status, maxrss))
        else:  # the child that should have settled it has died, too: it fails without plugins
            failure = failure_of(child.reservation, child.error, None, cause="not run")
            answer = answer_of(settle_failure(child.reservation, failure))
            # The worker logs it: handlers of the app must not run here.
            self.answer(child, answer | {"unlogged": [failure.error, failure.message]})


def load_client() -> None:
    """Load the client of Redis in the nursery, since a job needed it: later children have it."""
    import_module("buoy.broker.broker")
