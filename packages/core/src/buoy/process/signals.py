"""Signals as something to wait for, and to be read in the main loop."""

import _signal  # type: ignore[import-not-found]
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from operator import is_
from types import TracebackType
from typing import Any, Self

from .self_pipe import SelfPipe
from .system import default_in_forks

HEARD = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGCONT,
    signal.SIGHUP,
)
TERM, ALARM = int(signal.SIGTERM), int(signal.SIGALRM)
KEPT = tuple(map(int, (*HEARD, signal.SIGALRM, signal.SIGCHLD, signal.SIGPIPE)))
"""Signals whose meaning a job in the worker's own process cannot change for good."""

handler_of: Callable[[int], Any] = _signal.getsignal
"""Without the wrapper of the signal module, which makes an enum of it."""

STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
GONE = signal.SIGHUP
"""The terminal is gone: for a worker as good as TERM, and no sooner the end when it comes again, as
it then does: from the kernel and from the shell."""


@contextmanager
def ended_by_signals(tidy: Callable[[], object]) -> Iterator[None]:
    """While there is nothing to lose yet, a signal that says stop ends the process, in peace.

    At once, after ``tidy``: an exception would come up in whatever runs just then, as the import
    of the app, which may swallow it.
    """
    owner = os.getpid()

    def end(number: int, _: object) -> None:
        if os.getpid() != owner:  # the app has forked: its child knows nothing of this
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        with suppress(Exception):
            tidy()
        with suppress(Exception):
            sys.stdout.flush()
        os._exit(0)

    ends = STOPS if signal.getsignal(GONE) == signal.SIG_IGN else (*STOPS, GONE)
    before = {number: signal.signal(number, end) for number in ends}
    mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, ends)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in before.items():
            signal.signal(number, handler)


class SignalPipe(SelfPipe):
    """A self-pipe that signals make readable within a ``with`` block.

    ``on_signal`` is called with each signal of HEARD and ``also``, in the main thread, as soon as
    that runs Python code. The end of the block restores what signals did before, and closes the
    pipe.
    """

    def __init__(
        self, on_signal: Callable[[signal.Signals], None], also: Iterable[signal.Signals] = ()
    ) -> None:
        super().__init__()
        self.on_signal, self.also = on_signal, (*also,)
        self.before: dict[signal.Signals, Any] = {}
        self.before_fd = -1
        self.before_mask: set[int] = set()

    def __enter__(self) -> Self:
        self.before = {number: signal.signal(number, self.heard) for number in self.wanted()}
        self.before_fd = self.wake_on_signals()
        # A supervisor holds them back until they can be heard, and again when that is over: one
        # that comes while the process ends in order must not make it a violent end.
        self.before_mask = set(signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD))
        listening.append(self)
        return self

    def wanted(self) -> set[signal.Signals]:
        """What is to be heard: under nohup a terminal may go, unless that signal means more."""
        deaf = signal.getsignal(GONE) == signal.SIG_IGN and GONE not in self.also
        return {*HEARD, *self.also} - ({GONE} if deaf else set())

    def heard(self, number: int, _: Any) -> None:
        self.on_signal(signal.Signals(number))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        listening.clear()
        signal.pthread_sigmask(signal.SIG_SETMASK, self.before_mask)
        signal.set_wakeup_fd(self.before_fd)
        for number, handler in self.before.items():
            signal.signal(number, handler)
        self.close()


listening: list[SignalPipe] = []


# What a job forks in the worker's own process is no worker: signals do there what they do in any
# process.
default_in_forks(HEARD, listening)


class Handlers:
    """What signals do in this process, to be put back when a job has changed it."""

    def __init__(self) -> None:
        self.before = list(map(handler_of, KEPT))
        self.term, self.alarm = handler_of(TERM), handler_of(ALARM)

    def look(self) -> None:
        """After each job: look at what the next one, or a stop, would feel at once."""
        if handler_of(TERM) is not self.term or handler_of(ALARM) is not self.alarm:
            self.put_back()

    def put_back(self) -> None:
        """Put back what was changed; with it goes an alarm that the job has set."""
        if all(map(is_, map(handler_of, KEPT), self.before)):
            return
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        for number, handler in zip(KEPT, self.before, strict=True):
            if handler is not None:  # else it is none of Python's
                signal.signal(number, handler)
