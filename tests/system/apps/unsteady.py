"""An app whose nursery says nonsense, dies, or cannot be loaded again, as files tell."""

import json
import os
import signal
import struct
import sys
import threading
import time
from contextlib import suppress

from buoy import Job, hookimpl

from .record import RECORD, note


def told(word: str) -> bool:
    return (RECORD.parent / word).exists()


note("loaded")
if told("broken"):
    raise RuntimeError("cannot be loaded any more")


def framed(value: object) -> bytes:
    body = json.dumps(value).encode()
    return struct.pack("!I", len(body)) + body


ANSWERS: list[object] = [5, None, [], {"foo": 1}, {"ended": 7}, {"ended": "x"}]
ANSWERS += [{"ended": "nobody", "outcome": act} for act in ("done", "dance", 5)]
NONSENSE = [framed(answer) for answer in ANSWERS]


@hookimpl
def worker_started() -> None:
    if told("reaper"):
        threading.Thread(target=reap, daemon=True).start()
    if told("talkative"):
        talk(NONSENSE)


@hookimpl
def before_fork() -> None:
    if told("talkative"):
        talk(NONSENSE)
    if told("garbled"):
        (RECORD.parent / "garbled").unlink()
        talk([b"\xff" * 64])
    if told("deadly"):
        os.kill(os.getpid(), signal.SIGKILL)


def talk(frames: list[bytes]) -> None:
    """Write into the file of the nursery's worker."""
    for frame in frames:
        os.write(int(sys.argv[1]), frame)


def reap() -> None:
    """Bury all children, as gevent does."""
    while True:
        with suppress(ChildProcessError):
            os.waitpid(-1, 0)
        time.sleep(0.001)


class Note(Job):
    queue = "unsteady"

    def perform(self, word: str) -> None:
        note("ran", word)


class Exits(Job):
    queue = "unsteady"

    def perform(self) -> None:
        os._exit(3)


class WritesEverywhere(Job):
    """Its answer is heard, and no other."""

    queue = "unsteady"

    def perform(self, fails: bool) -> None:
        for file in range(3, 64):
            for data in (b"\xff" * 16, framed({"outcome": "rejected"}), b"\x00\x00\x00"):
                with suppress(OSError):
                    os.set_blocking(file, False)
                    os.write(file, data)
        if fails:
            raise ValueError("the real error")


class Reopens(Job):
    """Has a file of its own where its answer was to go."""

    queue = "unsteady"

    def perform(self, fails: bool) -> None:
        os.closerange(3, 65536)
        for number in range(16):
            os.open(RECORD.parent / f"own-{number}", os.O_WRONLY | os.O_CREAT)
        if fails:
            raise ValueError("the real error")
