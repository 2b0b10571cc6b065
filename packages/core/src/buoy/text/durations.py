"""Units of durations, as they are written in texts: 30s, 5m, 2h, 1d, 1w."""

UNIT_SECONDS = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}
"""The seconds in each unit, the longest first."""
UNIT_NAMES = {"w": "week", "d": "day", "h": "hour", "m": "minute", "s": "second"}
