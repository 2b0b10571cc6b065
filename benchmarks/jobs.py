"""What the jobs of all systems do. Runs in the environment of each of them, and in the parent of
forked children: few imports, and small ones."""

import os
import time

from .board import Board

URL = os.environ["BENCH_URL"]
QUEUE = "bench"
NAP_SECONDS = 0.005
BOARD = Board(os.environ["BENCH_BOARD"])


def mark(number: int) -> None:
    """Do nothing but note it."""
    BOARD.mark(number)


def nap(number: int) -> None:
    """Wait as for somebody else's answer."""
    time.sleep(NAP_SECONDS)
    BOARD.mark(number)


def hold(number: int) -> None:
    """Keep a slot busy for as long as the case lasts."""
    BOARD.mark(number)
    time.sleep(3600)
