"""Jobs that start processes, by all the ways that Python has."""

import asyncio
import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from buoy import Job

from .record import note, wait_for

STAYS = "trap '' TERM INT HUP; while :; do sleep 1; done"


ORPHAN = """
import subprocess, sys
child = subprocess.Popen(["sh", "-c", sys.argv[1]], process_group=0, stdout=subprocess.DEVNULL)
print(child.pid)
"""


class Leaves(Job):
    """Starts processes that would outlive it, and ends in some way."""

    queue = "families"

    def perform(self, how: str) -> None:
        for word, options in (
            ("same group", {}),
            ("other group", {"process_group": 0}),
            ("other session", {"start_new_session": True}),
        ):
            child = subprocess.Popen(["sh", "-c", STAYS], **options)
            note(f"{how}: {word}", str(child.pid))
        # Its parent dies at once, and it is in a group that nobody knows.
        said = subprocess.run(
            [sys.executable, "-c", ORPHAN, STAYS], stdout=subprocess.PIPE, check=True, timeout=60
        )
        note(f"{how}: orphan", said.stdout.decode().strip())
        note("began", how)
        END[how]()


def fail() -> None:
    raise ValueError


def grow() -> None:
    data = bytearray(300 << 20)
    data[::4096] = b"x" * len(data[::4096])
    time.sleep(60)


END: dict[str, Callable[[], Any]] = {
    "done": lambda: None,
    "fails": fail,
    "exits": lambda: os._exit(3),
    "segfaults": lambda: ctypes.string_at(0),
    "waits": lambda: wait_for("never"),
    "grows": grow,
}


# What multiprocessing and others do


def double(number: int) -> int:
    return 2 * number


def put(queue: Any, number: int) -> None:
    queue.put(2 * number)


class Family(Job):
    """Does its work in other processes, and notes that all is as it should be."""

    queue = "families"

    def perform(self, how: str) -> None:
        assert WAYS[how]() is not False, how
        note("ran", how)


def pool_that_is_left() -> None:
    with multiprocessing.get_context("fork").Pool(2) as pool:
        try:
            pool.apply_async(time.sleep, (60,)).get(timeout=0.1)
        except multiprocessing.TimeoutError:
            return
    raise AssertionError


def pool() -> bool:
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return pool.map(double, range(10)) == list(range(0, 20, 2))


def terminated(ends: Callable[[Any], None]) -> bool:
    process = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
    process.start()
    ends(process)
    return exit_code(process) == -signal.SIGTERM


def exit_code(process: Any) -> int | None:
    """Waits for the end of a process. While another thread starts one, that thread may be the one
    that is told of this end, a moment before it notes it."""
    process.join(120.0)
    ends = time.monotonic() + 60.0
    while process.exitcode is None and time.monotonic() < ends:
        time.sleep(0.01)
    code: int | None = process.exitcode
    return code


def managed() -> bool:
    with multiprocessing.get_context("fork").Manager() as manager:
        shared = manager.dict(a=1)
        shared["b"] = 2
        return dict(shared) == {"a": 1, "b": 2}


def queued(method: str) -> bool:
    context: Any = multiprocessing.get_context(method)
    queue = context.Queue()
    process = context.Process(target=put, args=(queue, 21))
    process.start()
    answer = queue.get(timeout=120.0)
    code = exit_code(process)
    assert (answer, code) == (42, 0), (answer, code)
    return True


def futures() -> bool:
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(2, mp_context=context) as executor:
        return list(executor.map(double, range(4))) == [0, 2, 4, 6]


def forked() -> bool:
    pid = os.fork()
    if pid == 0:
        time.sleep(60)
        os._exit(1)
    time.sleep(0.02)
    os.kill(pid, signal.SIGTERM)
    return os.waitpid(pid, 0)[1] == signal.SIGTERM


def comes_back_twice() -> None:
    if os.fork() == 0:
        note("came back")
        raise ValueError


def by_asyncio() -> bool:
    async def run() -> bytes:
        process = await asyncio.create_subprocess_exec(
            "sh", "-c", "echo hello", stdout=asyncio.subprocess.PIPE
        )
        said, _ = await process.communicate()
        return said if process.returncode == 0 else b""

    return asyncio.run(run()) == b"hello\n"


def timed_out() -> bool:
    try:
        subprocess.run(["sleep", "60"], timeout=0.1, check=True)
    except subprocess.TimeoutExpired:
        return True
    return False


WAYS: dict[str, Callable[[], bool | None]] = {
    "pool that is left": pool_that_is_left,
    "pool": pool,
    "terminate": lambda: terminated(lambda process: process.terminate()),
    "kill -TERM": lambda: terminated(lambda process: os.kill(process.pid, signal.SIGTERM)),
    "manager": managed,
    "fork": lambda: queued("fork"),
    "spawn": lambda: queued("spawn"),
    "forkserver": lambda: queued("forkserver"),
    "futures": futures,
    "os.fork": forked,
    "os.fork, both go on": comes_back_twice,
    "os.system": lambda: os.system("exit 3") == 3 << 8,
    "subprocess": lambda: subprocess.run(["true"], check=False).returncode == 0,
    "subprocess, timeout": timed_out,
    "asyncio": by_asyncio,
}


class Awaits(Job):
    """The same as one of them, on the event loop of the executor."""

    queue = "families"

    async def perform(self) -> None:
        process = await asyncio.create_subprocess_exec("sleep", "60")
        process.terminate()
        assert await process.wait() == -signal.SIGTERM
        note("ran", "awaited")


class LeavesPool(Job):
    """Leaves a pool open, whose thread starts a process anew for each that ends; and, if it is to,
    a thread that keeps Python from ending."""

    queue = "families"

    def perform(self, thread: bool) -> None:
        pools.append(multiprocessing.get_context("fork").Pool(2))
        if thread:
            threading.Thread(target=time.sleep, args=(60,)).start()
        note("ran")


pools: list[Any] = []
