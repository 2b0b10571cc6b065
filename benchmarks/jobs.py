"""What the jobs of all systems do. Imported in the environment of each system and in the parent of
forked children, so it imports little."""

import os
import time

from .board import Board

URL = os.environ["BENCH_URL"]
QUEUE = "bench"
NAP_SECONDS = 0.005
BOARD = Board(os.environ["BENCH_BOARD"])


def mark(number: int) -> None:
    """Record the run and do nothing else."""
    BOARD.mark(number)


def nap(number: int) -> None:
    """Sleep, as a job that waits for an answer."""
    time.sleep(NAP_SECONDS)
    BOARD.mark(number)


def hold(number: int) -> None:
    """Keep a slot busy until the end of the case."""
    BOARD.mark(number)
    time.sleep(3600)
