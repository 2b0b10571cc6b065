"""Self-pipes: no wake-up is lost, and none is left over."""

import os
import select
import signal
import threading
from collections.abc import Iterator

import pytest

from buoy.process.self_pipe import SelfPipe
from buoy.process.signals import HANDLED, STOP_SIGNALS, SignalPipe


@pytest.fixture
def wake() -> Iterator[SelfPipe]:
    wake = SelfPipe()
    yield wake
    wake.close()


def readable(wake: SelfPipe, seconds: float = 0) -> bool:
    return bool(select.select([wake], [], [], seconds)[0])


class TestSelfPipe:
    def test_is_readable_from_notify_until_clear(self, wake: SelfPipe) -> None:
        assert not readable(wake)
        wake.notify()
        wake.notify()
        assert readable(wake)
        wake.clear()
        assert not readable(wake)

    def test_clear_without_notify_does_not_wait(self, wake: SelfPipe) -> None:
        wake.clear()

        assert not readable(wake)

    def test_no_notify_of_other_threads_is_lost_and_none_is_left_over(self, wake: SelfPipe) -> None:
        made, seen = [0], 0

        def make() -> None:
            for _ in range(20_000):
                made[0] += 1
                wake.notify()

        threads = [threading.Thread(target=make) for _ in range(2)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads) or readable(wake):
            if readable(wake, 0.01):
                wake.clear()
                seen = made[0]
        assert seen == made[0]
        assert not readable(wake)
        wake.notify()
        assert readable(wake)

    def test_a_notify_during_clear_does_not_silence_later_ones(
        self, wake: SelfPipe, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read = os.read

        def read_and_notify(descriptor: int, size: int) -> bytes:
            data = read(descriptor, size)
            monkeypatch.undo()
            wake.notify()
            return data

        wake.notify()
        monkeypatch.setattr(os, "read", read_and_notify)
        wake.clear()
        wake.notify()
        assert readable(wake)

    def test_notify_after_close_writes_to_no_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        wake, written = SelfPipe(), list[int]()
        wake.close()
        monkeypatch.setattr(os, "write", lambda file, data: written.append(file))

        wake.notify()

        assert written == []

    def test_closes_both_ends(self) -> None:
        before = set(os.listdir("/proc/self/fd"))  # noqa: PTH208
        SelfPipe().close()

        # Those of earlier tests may be closed meanwhile.
        assert set(os.listdir("/proc/self/fd")) <= before  # noqa: PTH208


class TestSignalPipe:
    def test_a_signal_makes_it_readable_and_calls_the_handler(self) -> None:
        seen: list[signal.Signals] = []
        with SignalPipe(seen.append) as wake:
            os.kill(os.getpid(), signal.SIGUSR2)
            assert readable(wake, 60)
            wake.clear()
            assert not readable(wake)

        assert seen == [signal.SIGUSR2]

    def test_is_readable_after_a_notify_of_another_thread(self) -> None:
        with SignalPipe(lambda _: None) as wake:
            thread = threading.Thread(target=wake.notify)
            thread.start()
            thread.join()
            assert readable(wake)

    def test_handlers_and_wakeup_file_are_restored_at_the_end(self) -> None:
        before = {number: signal.getsignal(number) for number in HANDLED}
        file = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(file)
        with SignalPipe(lambda _: None):
            assert signal.getsignal(signal.SIGTERM) != before[signal.SIGTERM]

        assert {number: signal.getsignal(number) for number in HANDLED} == before
        assert signal.set_wakeup_fd(file) == file

    def test_stop_signals_that_were_blocked_before_are_blocked_again_after(self) -> None:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        try:
            with SignalPipe(lambda _: None):
                within = signal.pthread_sigmask(signal.SIG_BLOCK, ())
            after = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

        assert within.isdisjoint(STOP_SIGNALS)
        assert after.issuperset(STOP_SIGNALS)
