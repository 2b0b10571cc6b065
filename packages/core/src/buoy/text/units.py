"""Numbers with their units, as messages and tables show them."""

import math

MIB = 2**20
HUGE = 100_000
"""Numbers of the largest unit from which on three digits are shown."""
SIZES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def mebibytes(size: int) -> str:
    """A number of bytes in MiB, rounded: ``512 MiB``."""
    return f"{size / MIB:.0f} MiB"


def readable_size(size: float) -> str:
    """A number of bytes in the unit that fits: ``312 B``, ``1.5 KiB``, ``24 MiB``."""
    if not math.isfinite(size):
        return "-"
    for unit in SIZES:
        if abs(size) < 1000 or unit == SIZES[-1]:
            break
        size /= 1024
    if abs(size) >= HUGE:
        return f"{size:.3g} {unit}"
    return f"{size:.0f} {unit}" if unit == "B" or abs(size) >= 9.95 else f"{size:.1f} {unit}"


def readable_duration(seconds: float) -> str:
    """A number of seconds as people read it: ``0 s``, ``34 ms``, ``2.5 s``, ``3 m 20 s``, ``5 h
    10 m``, ``4 d 2 h``. It is cut, not rounded, to its second unit."""
    if not math.isfinite(seconds):
        return "-"
    sign, seconds = "-" if seconds < 0 else "", abs(seconds)
    if seconds >= HUGE * 86_400:
        text = f"{seconds / 86_400:.3g} d"
    elif seconds < 1:
        text = f"{seconds * 1000:.0f} ms" if seconds >= 0.0005 else "0 s"
    elif seconds < 10:
        text = f"{math.floor(seconds * 10) / 10:g} s"
    elif seconds < 60:
        text = f"{int(seconds)} s"
    elif seconds < 3600:
        text = two_units(int(seconds), 60, "m", 1, "s")
    elif seconds < 86_400:
        text = two_units(int(seconds), 3600, "h", 60, "m")
    else:
        text = two_units(int(seconds), 86_400, "d", 3600, "h")
    return sign + text


def two_units(seconds: int, large: int, name: str, small: int, small_name: str) -> str:
    """A duration in two units; without the second one if that is 0."""
    rest = seconds % large // small
    return f"{seconds // large} {name}" + (f" {rest} {small_name}" if rest else "")


def readable_distance(seconds: float) -> str:
    """How far a moment is from now, in one unit: ``3 min ago``, ``in 2 h``, ``now``.

    ``seconds``: from now to the moment; negative for the past.
    """
    if not math.isfinite(seconds):
        return "-"
    far = abs(seconds)
    for size, name in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        if far >= size:
            text = f"{int(far // size)} {name}"
            return f"in {text}" if seconds > 0 else f"{text} ago"
    return "now"
