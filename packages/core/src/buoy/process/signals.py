"""Handling signals in the main loop of a process."""

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
from .system import reset_in_forks

HANDLED = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGCONT,
    signal.SIGHUP,
)
"""The signals that a worker handles."""
TERM, ALARM = int(signal.SIGTERM), int(signal.SIGALRM)
PROTECTED = tuple(map(int, (*HANDLED, signal.SIGALRM, signal.SIGCHLD, signal.SIGPIPE)))
"""Signals whose handlers are restored after a job in the worker's own process has changed them."""

handler_of: Callable[[int], Any] = _signal.getsignal
"""Without the wrapper in the signal module, which makes an enum of the result."""

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
HANGUP = signal.SIGHUP
"""The terminal is gone: this stops a worker, as TERM does. It comes twice, from the kernel and from
the shell; the second one must not shorten the grace time."""


@contextmanager
def exit_on_signals(tidy: Callable[[], object]) -> Iterator[None]:
    """Within the block, a signal that says stop calls ``tidy`` and ends the process with code 0.

    For a process that has nothing to lose yet. An exception would not do: it would be raised in
    whatever code runs just then, as the import of the app, which may catch it.
    """
    owner = os.getpid()

    def end(number: int, _: object) -> None:
        if os.getpid() != owner:  # the app has forked: in its child the signal does the usual
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        with suppress(Exception):
            tidy()
        with suppress(Exception):
            sys.stdout.flush()
        os._exit(0)

    ignores_hangup = signal.getsignal(HANGUP) == signal.SIG_IGN
    ends = STOP_SIGNALS if ignores_hangup else (*STOP_SIGNALS, HANGUP)
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

    ``on_signal`` is called with each signal of HANDLED and ``also``, in the main thread, as soon as
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
        self.before = {number: signal.signal(number, self.handle) for number in self.handled()}
        self.before_fd = self.wake_on_signals()
        # A supervisor blocks these signals until its worker can handle them, and they are blocked
        # again at the end: a signal that comes then must not kill a worker that ends in order.
        self.before_mask = set(signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED))
        active.append(self)
        return self

    def handled(self) -> set[signal.Signals]:
        """The signals to handle. Not HANGUP where it is ignored, as under nohup, unless ``also``
        names it."""
        ignored = signal.getsignal(HANGUP) == signal.SIG_IGN and HANGUP not in self.also
        return {*HANDLED, *self.also} - ({HANGUP} if ignored else set())

    def handle(self, number: int, _: Any) -> None:
        self.on_signal(signal.Signals(number))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        active.clear()
        signal.pthread_sigmask(signal.SIG_SETMASK, self.before_mask)
        signal.set_wakeup_fd(self.before_fd)
        for number, handler in self.before.items():
            signal.signal(number, handler)
        self.close()


active: list[SignalPipe] = []
"""Holds the signal pipe of this process within its block."""

# A process that a job forks in the worker's own process is no worker: signals have their usual
# effects there.
reset_in_forks(HANDLED, active)


class SavedHandlers:
    """The signal handlers of this process when this object was made, to restore them after jobs."""

    def __init__(self) -> None:
        self.before = list(map(handler_of, PROTECTED))
        self.term, self.alarm = handler_of(TERM), handler_of(ALARM)

    def restore_urgent(self) -> None:
        """Restore all handlers if that of TERM or ALRM was changed. To be called after each job:
        the next job, or a stop, would suffer at once from these two."""
        if handler_of(TERM) is not self.term or handler_of(ALARM) is not self.alarm:
            self.restore()

    def restore(self) -> None:
        """Restore all handlers that were changed, and cancel an alarm that a job has set."""
        if all(map(is_, map(handler_of, PROTECTED), self.before)):
            return
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        for number, handler in zip(PROTECTED, self.before, strict=True):
            if handler is not None:  # else C code has set it, which Python cannot restore
                signal.signal(number, handler)
