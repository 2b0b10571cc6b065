"""What a module that declares jobs imports."""

import subprocess
import sys

HEAVY = (
    "import sys, buoy_status; print([m for m in ('redis', 'click', 'asyncio') if m in sys.modules])"
)


def test_declaring_jobs_loads_neither_the_redis_client_nor_an_event_loop() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", HEAVY], capture_output=True, text=True, check=True, timeout=120
    )

    assert ended.stdout == "[]\n"
