"""How jobs put on record what they do: one line an event, whatever becomes of them."""

import json
import os
import time
from pathlib import Path

RECORD = Path(os.environ.get("BUOY_TEST_RECORD", "/dev/null"))


LENGTH = 256
"""Of a line: the kernel writes page by page, and so never half of one, whoever is killed or reads
meanwhile."""


def note(event: str, word: str = "") -> None:
    """Add a line to the record."""
    text = json.dumps([event, str(word), os.getpid(), time.monotonic()])
    line = text.ljust(LENGTH - 1 + len(text) // LENGTH * LENGTH) + "\n"
    descriptor = os.open(RECORD, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, line.encode())
    os.close(descriptor)


def wait_for(gate: str, within: float = 600.0) -> None:
    """Wait until the test opens the gate, which may take long on a busy machine."""
    deadline = time.monotonic() + within
    while not (RECORD.parent / gate).exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"nobody opened {gate}")
        time.sleep(0.005)
