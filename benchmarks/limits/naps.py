"""Coroutines that sleep 5 ms, 16 at once: how many an event loop completes in a second.

Its clock counts whole milliseconds, so each sleep is about 0.3 ms too long.
"""

import asyncio
import time

SLOTS = 16
NAP_SECONDS = 0.005
SECONDS = 2.0


async def nap_until(end: float) -> int:
    """Sleep repeatedly until ``end``; returns how often."""
    naps = 0
    while time.perf_counter() < end:
        await asyncio.sleep(NAP_SECONDS)
        naps += 1
    return naps


async def main() -> None:
    end = time.perf_counter() + SECONDS
    naps = sum(await asyncio.gather(*[nap_until(end) for _ in range(SLOTS)]))
    most = SLOTS / NAP_SECONDS
    print(f"{naps / SECONDS:.0f} naps a second, {naps / SECONDS / most:.0%} of {most:.0f}")


if __name__ == "__main__":
    asyncio.run(main())
