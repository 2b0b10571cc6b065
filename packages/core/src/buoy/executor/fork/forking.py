"""The heart of the nursery: forks a child for each job, hears what became of it, buries it.

It knows no Redis and runs no thread. It reads from its worker which jobs to run, and answers what
became of them; its children answer it through pipes. It dies with its worker, they with it.

What it uses of the system is imported by name: an app may put its own in the place of these
functions (gevent does), and this must go on all the same.
"""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from os import fork
from select import POLLIN, poll
from typing import Any

from ...jobs.facts import Facts
from ...jobs.run import failure_of, loaded, settle_silently
from ...model.reservation import Reservation, Settlement
from ...process.logs import logger
from ...process.self_pipe import SelfPipe
from ...process.system import die_with, end_sessions, flush_outputs, kill_tree
from .answers import Answer, answer_of, settlement_of
from .board import PLACES, Board
from .child import DEFAULT, DONE, be_child, set_signal
from .child_state import FAR, NO_LIMITS, Child, Limits, death_of
from .frames import Frames, frame
from .orphans import Orphans

LOG = "buoy.nursery"

LAST_WORDS = 2.0
"""Seconds that a child gets between TERM and KILL, or between its answer and its end."""

WEIGH_SECONDS = 0.1
"""How often jobs with a limit of memory are looked at."""

LONGEST_SLEEP = 86_400.0
"""Seconds; poll takes no more milliseconds than an int of C."""

PLAIN: Answer = {"act": "done"}
RELEASE: Answer = {"act": "release"}

ORPHANED = int(getattr(signal, "SIGRTMAX", signal.SIGUSR2))
"""Told by Linux when the worker has died."""


class Nursery:
    """Forks, waits, kills; one per worker."""

    def __init__(self, control: socket.socket, hooks: Any, worker: int, board: Board) -> None:
        self.control, self.channel = control, control.fileno()
        self.worker, self.board = worker, board
        self.before_fork = hooks.before_fork if hooks.before_fork.get_hookimpls() else None
        self.after_fork = hooks.after_fork if hooks.after_fork.get_hookimpls() else None
        self.orders = Frames()
        self.children: dict[int, Child] = {}
        self.strays = Orphans(board)
        self.count = 0
        self.poll = poll()
        self.readers: dict[int, Callable[[], object]] = {}
        self.wake = SelfPipe()
        self.open = True

    def serve(self) -> None:
        """Do what the worker says until it says close, or is gone."""
        self.listen_to_signals()
        self.listen(self.wake.fileno(), self.reap)
        self.listen(self.control.fileno(), self.obey)
        while self.open:
            for file, _ in self.poll.poll(self.keep_limits()):
                if file in self.readers:  # else another event of this round has closed it
                    self.readers[file]()

    def end(self) -> None:
        """Leave nothing behind."""
        set_signal(int(signal.SIGCHLD), DEFAULT)
        signal.set_wakeup_fd(-1)
        end_sessions(self.board.taken())

    def listen_to_signals(self) -> None:
        """Hear of deaths: of children, and of the worker."""
        set_signal(int(signal.SIGCHLD), lambda *_: None)
        self.wake.wake_on_signals()
        set_signal(ORPHANED, self.be_orphaned(os.getpid()))
        die_with(self.worker, ORPHANED)

    def be_orphaned(self, me: int) -> Callable[..., None]:
        """The end of a nursery whose worker has died, whatever it is doing just now."""

        def end(*_: object) -> None:
            if os.getpid() == me and os.getppid() != self.worker:
                try:
                    end_sessions(self.board.taken())
                finally:
                    os._exit(1)

        return end

    def listen(self, file: int, reader: Callable[[], object]) -> None:
        self.poll.register(file, POLLIN)
        self.readers[file] = reader

    def ignore(self, file: int) -> None:
        if self.readers.pop(file, None) is not None:
            self.poll.unregister(file)

    # Orders

    def obey(self) -> None:
        try:
            data = self.control.recv(1 << 16)
        except OSError:  # the worker was killed, and had not read all that was said
            data = b""
        if not data:
            self.open = False
        for order in self.orders.feed(data):
            try:
                self.follow(order)
            except Exception:  # noqa: BLE001 - it makes no sense; the next one may
                logger(LOG).exception("an order makes no sense: %.200r", order)

    def follow(self, order: Any) -> None:
        match order:
            case {"run": fields}:
                self.begin(Reservation(*fields))
            case {"kill": tokens, "why": why}:
                self.kill(set(tokens), why)
            case {"stop": True}:
                self.stop()
            case {"close": True}:
                self.open = False

    def kill(self, tokens: set[str], why: str) -> None:
        for child in self.children.values():
            if child.held.token in tokens:
                child.why = why
                kill_tree(child.pid, signal.SIGKILL)

    def stop(self) -> None:
        for child in self.children.values():
            self.terminate(child, "stop")

    def terminate(self, child: Child, why: str) -> None:
        child.why, child.deadline = why, time.monotonic() + LAST_WORDS
        self.board.memory[child.number] = 1
        kill_tree(child.pid, signal.SIGTERM)

    # Children

    def begin(self, held: Reservation) -> None:
        """Run a job that a worker has reserved."""
        try:
            job = loaded(held)
            limited = job.timeout is not None or job.max_memory is not None
            limits = Limits.of(job) if limited else NO_LIMITS
        except BaseException as error:  # noqa: BLE001 - the class of the job is its user's
            self.fork(held, None, error)
        else:
            self.fork(held, job, None, limits)

    def fork(
        self,
        held: Reservation,
        job: Facts | None,
        error: BaseException | None,
        limits: Limits = NO_LIMITS,
    ) -> None:
        """Fork a child that runs the job; or that settles it, for an error."""
        if self.before_fork is not None:
            with reported("the app's hook before_fork"):
                self.before_fork()
            self.listen_to_signals()
            flush_outputs()
        try:
            child = self.forked(held, job, error, limits)
        except OSError as refused:  # no memory, too many processes or files: the others go on
            self.postpone(held, refused)
            return
        self.children[child.pid] = child
        self.listen(child.pipe, partial(self.hear, child))

    def forked(
        self, held: Reservation, job: Facts | None, error: BaseException | None, limits: Limits
    ) -> Child:
        place = self.count % PLACES
        self.count, self.board.memory[place] = self.count + 1, 0
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
            task = (held, job, error, limits.timeout)
            be_child(task, pipe, parent, self.channel, self.board, place, self.after_fork)
        os.close(writer)
        self.board.sessions[place] = pid
        return Child(pid, reader, held, job, place, started, limits, error)

    def postpone(self, held: Reservation, error: OSError) -> None:
        said = "no fork for id=%s queue=%s: %s; again in 1 s"
        logger(LOG).error(said, held.id, held.queue, error)
        again = Settlement.of(held, "later", payload=held.payload, wait=1.0)
        self.say(held.token, answer_of(again))

    def hear(self, child: Child) -> bool:
        """Pass on the child's answer as soon as it is whole; the child may still be exiting.

        False when there is nothing to hear, for now or for ever.
        """
        try:
            data = os.read(child.pipe, 1 << 16)
        except BlockingIOError:
            return False
        except OSError:  # the app has closed what is not its own
            data = b""
        if data == DONE:  # most answers: no page is spent on reading them
            self.take(child, PLAIN)
        elif not data or not self.read(child, data):
            self.ignore(child.pipe)
            return False
        return child.pipe >= 0

    def read(self, child: Child, data: bytes) -> bool:
        """Read what may be an answer; False when it makes no sense."""
        try:
            answers = child.frames.feed(data)
        except (ValueError, RecursionError):  # the job wrote into files that are not its own
            return False
        for answer in answers:
            if child.pipe >= 0 and settlement_of(child.held, answer) is not None:
                if answer.pop("redis", False):
                    load_client()
                self.take(child, answer)
        return True

    def take(self, child: Child, answer: Answer) -> None:
        child.answered, child.deadline = True, time.monotonic() + LAST_WORDS
        self.answer(child, answer)
        self.hang_up(child)

    def hang_up(self, child: Child) -> None:
        if child.pipe >= 0:
            self.ignore(child.pipe)
            os.close(child.pipe)
            child.pipe = -1

    def answer(self, child: Child, answer: Answer) -> None:
        if child.why == "lost":
            return  # its end is told when it is gone
        if child.why == "stop" and answer["act"] != "done":
            answer = RELEASE
        self.say(child.held.token, answer)

    def say(self, token: str, answer: Answer) -> None:
        try:
            self.control.sendall(frame({"ended": token, **answer}))
        except OSError:  # the worker is gone
            self.open = False

    def reap(self) -> None:
        """Bury who is dead; when somebody else has, nobody knows how it has ended."""
        self.wake.clear()
        for child in list(self.children.values()):
            try:
                pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            except ChildProcessError:
                self.bury(child, None, 0)
            else:
                if pid:
                    self.bury(child, status, usage.ru_maxrss)
        self.strays.clear(self.children)

    def bury(self, child: Child, status: int | None, peak: int) -> None:
        while child.pipe >= 0 and self.hear(child):
            pass
        self.hang_up(child)
        del self.children[child.pid]
        self.strays.ended.append(child)
        if child.why == "lost":
            self.say(child.held.token, RELEASE)
            return
        if child.answered:
            return
        if child.why == "stop":
            self.answer(child, RELEASE)
        elif child.error is None:
            self.fork(child.held, child.job, death_of(child, status, peak))
        else:  # what settles it dies as well: nobody is asked any more
            failure = failure_of(child.held, child.error, None, cause="not run")
            self.answer(child, answer_of(settle_silently(child.held, failure)))

    # Limits

    def keep_limits(self) -> int | None:
        """End what is over a limit; returns the milliseconds after which to look again."""
        now = time.monotonic()
        then = FAR
        for child in self.children.values():
            if child.weighed:
                self.weigh(child)
                then = min(then, now + WEIGH_SECONDS)
            if now >= child.deadline:
                self.overrun(child)
            then = min(then, child.deadline)
        return None if then == FAR else int(min(then - now, LONGEST_SLEEP) * 1000) + 1

    def weigh(self, child: Child) -> None:
        if child.is_too_large():
            child.why = "memory"
            kill_tree(child.pid, signal.SIGKILL)

    def overrun(self, child: Child) -> None:
        if child.answered or child.why:
            child.deadline = FAR
            kill_tree(child.pid, signal.SIGKILL)
        else:
            self.terminate(child, "timeout")


def load_client() -> None:
    """A job needed Redis: load its client here, once, and no longer in each child."""
    import_module("buoy.broker.broker")


@contextmanager
def reported(what: str) -> Iterator[None]:
    """An app's hook that fails is told of, and stops nothing."""
    try:
        yield
    except BaseException:  # noqa: BLE001 - whatever the app's own code raises
        logger(LOG).exception("%s failed", what)
