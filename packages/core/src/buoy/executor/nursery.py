"""The nursery: a lean process that has loaded the app, and forks a child for each job.

It knows no Redis and runs no thread. It reads from its worker which jobs to run, and answers what
became of them; its children answer it through pipes. It dies with its worker, they with it.
"""

import gc
import mmap
import os
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from importlib import import_module
from typing import Any

from ..errors import BuoyError, DirtyExit
from ..facts import Facts
from ..loading import start_app
from ..logs import configure, enable, logger
from ..printable import tell
from ..process import die_with, kill_tree
from ..reservation import Reservation, Settlement
from ..run import loaded, settle_plainly
from ..serving import Wanted
from ..titles import show
from .child import DEAF_TO, RELEASE, Answer, answer_of, be_child, rehearse
from .forked import FAR, Child, death_of
from .frames import Frames, frame

LOG = "buoy.nursery"

LAST_WORDS = 2.0
"""Seconds that a child gets between TERM and KILL, or between its answer and its end."""

WEIGH_SECONDS = 0.1
"""How often jobs with a limit of memory are looked at."""

LONGEST_SLEEP = 86_400.0
"""Seconds; poll takes no more milliseconds than an int of C."""

BOARD_SIZE = 4096


class Nursery:
    """Forks, waits, kills; one per worker."""

    def __init__(self, control: socket.socket, hooks: Any) -> None:
        self.control, self.channel = control, control.fileno()
        self.before_fork = hooks.before_fork if hooks.before_fork.get_hookimpls() else None
        self.after_fork = hooks.after_fork if hooks.after_fork.get_hookimpls() else None
        self.orders = Frames()
        self.children: dict[int, Child] = {}
        self.board = mmap.mmap(-1, BOARD_SIZE)
        """Shared with the children: whose byte is set, for it a TERM is meant."""
        self.count = 0
        self.poll = select.poll()
        self.readers: dict[int, Callable[[], object]] = {}
        self.open = True

    def serve(self) -> None:
        """Do what the worker says until it says close, or is gone."""
        bell, ring = socket.socketpair()
        for end in (bell, ring):
            end.setblocking(False)
        signal.set_wakeup_fd(ring.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.listen(bell.fileno(), lambda: self.reap(bell))
        self.listen(self.control.fileno(), self.obey)
        while self.open:
            for file, _ in self.poll.poll(self.keep_limits()):
                if file in self.readers:  # else another event of this round has closed it
                    self.readers[file]()
        signal.set_wakeup_fd(-1)  # its socket goes with this call, and children end still
        for child in self.children.values():
            kill_tree(child.pid, signal.SIGKILL)

    def listen(self, file: int, reader: Callable[[], object]) -> None:
        self.poll.register(file, select.POLLIN)
        self.readers[file] = reader

    def ignore(self, file: int) -> None:
        self.poll.unregister(file)
        del self.readers[file]

    # Orders

    def obey(self) -> None:
        try:
            data = self.control.recv(1 << 16)
        except ConnectionResetError:  # the worker was killed, and had not read all that was said
            data = b""
        if not data:
            self.open = False
        for order in self.orders.feed(data):
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
        self.board[child.number] = 1
        kill_tree(child.pid, signal.SIGTERM)

    # Children

    def begin(self, held: Reservation) -> None:
        """Run a job that a worker has reserved."""
        try:
            job = loaded(held)
        except BuoyError as error:
            self.say({"ended": held.token, **answer_of(settle_plainly(held, error))})
        else:
            self.fork(held, job)

    def fork(self, held: Reservation, job: Facts, death: DirtyExit | None = None) -> None:
        """Fork a child that runs the job, or that decides about the death of the one that did."""
        if self.before_fork is not None:
            with reported("before_fork"):
                self.before_fork()
        try:
            child = self.forked(held, job, death)
        except OSError as error:  # no memory, too many processes or files: the others go on
            self.postpone(held, error)
            return
        self.children[child.pid] = child
        self.listen(child.pipe, partial(self.hear, child))

    def forked(self, held: Reservation, job: Facts, death: DirtyExit | None) -> Child:
        number = self.count % BOARD_SIZE
        self.count, self.board[number] = self.count + 1, 0
        parent, started = os.getpid(), time.monotonic()
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        try:
            pid = os.fork()
        except OSError:
            os.close(reader)
            os.close(writer)
            raise
        if pid == 0:
            # What a child leaves behind must not seem to be a nursery that lives.
            os.close(self.channel)
            be_child(held, job, death, writer, parent, self.board, number, self.after_fork)
        os.close(writer)
        return Child(pid, reader, held, job, number, started, death)

    def postpone(self, held: Reservation, error: OSError) -> None:
        said = "no fork for id=%s queue=%s: %s; again in 1 s"
        logger(LOG).error(said, held.id, held.queue, error)
        again = Settlement.of(held, "later", payload=held.payload, wait=1.0)
        self.say({"ended": held.token, **answer_of(again)})

    def hear(self, child: Child) -> bool:
        """Pass on the child's answer as soon as it is whole; the child may still be exiting.

        False when there is nothing to hear, for now or for ever.
        """
        try:
            data = os.read(child.pipe, 1 << 16)
        except BlockingIOError:
            return False
        if not data:
            self.hang_up(child)
            return False
        try:
            answers = child.frames.feed(data)
        except ValueError:  # the job wrote into files that are not its own
            self.hang_up(child)
            return False
        for answer in answers:
            child.answered, child.deadline = True, time.monotonic() + LAST_WORDS
            if answer.pop("redis", False):
                load_client()
            self.answer(child, answer)
            self.hang_up(child)
        return True

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
        self.say({"ended": child.held.token, **answer})

    def say(self, value: Any) -> None:
        try:
            self.control.sendall(frame(value))
        except OSError:  # the worker is gone
            self.open = False

    def reap(self, bell: socket.socket) -> None:
        bell.recv(4096)
        for child in list(self.children.values()):
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                self.bury(child, status, usage.ru_maxrss)

    def bury(self, child: Child, status: int, peak: int) -> None:
        while child.pipe >= 0 and self.hear(child):
            pass
        self.hang_up(child)
        del self.children[child.pid]
        if child.why == "lost":
            self.say({"ended": child.held.token, **RELEASE})
            return
        if child.answered:
            return
        death = death_of(child, status, peak)
        if child.why == "stop":
            self.answer(child, RELEASE)
        elif child.death is None:
            self.fork(child.held, child.job, death)
        else:  # what decides dies as well: nobody is asked any more
            self.answer(child, answer_of(settle_plainly(child.held, child.death)))

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
    import_module("buoy.broker")


@contextmanager
def reported(hook: str) -> Iterator[None]:
    """An app's hook that fails is told of, and stops nothing."""
    try:
        yield
    except Exception:  # noqa: BLE001 - whatever the app's own code raises
        logger(LOG).exception("the app's hook %s failed", hook)


def main(descriptor: int) -> None:
    """Load the app as the worker says, then serve it."""
    control = socket.socket(fileno=descriptor)
    for number in DEAF_TO:
        signal.signal(number, signal.SIG_IGN)
    order = first_order(control)
    die_with(order["worker"])
    configure(order["verbosity"])
    sys.excepthook = tell
    try:
        hooks, settings = start_app(order["app"], Wanted(**order["wanted"]))
        hooks.worker_started()
    except BaseException as error:  # noqa: BLE001 - the worker must hear of it, whatever it is
        control.sendall(frame({"broken": told(error)}))
        return
    enable()
    show(f"nursery: {','.join(order['app'])}")
    rehearse()
    gc.collect()
    gc.freeze()
    control.sendall(frame({"ready": asdict(settings)}))
    Nursery(control, hooks).serve()
    with reported("worker_stopping"):
        hooks.worker_stopping()


def first_order(control: socket.socket) -> dict[str, Any]:
    frames = Frames()
    while data := control.recv(1 << 16):
        for order in frames.feed(data):
            return dict(order)
    sys.exit(1)


def told(error: BaseException) -> str:
    if isinstance(error, BuoyError):
        return str(error)
    return "the app cannot be loaded:\n" + "".join(traceback.format_exception(error))


if __name__ == "__main__":
    main(int(sys.argv[1]))
