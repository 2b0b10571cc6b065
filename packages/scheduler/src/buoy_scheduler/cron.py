"""Cron expressions in a time zone: the instants that they match, also when clocks are changed.

croniter finds the matching times of a wall clock; it is used without zones. Two rules convert these
times to instants:

- *By the clock*, when the hours are restricted (``30 2 * * *``): each matching time once. In an
  hour that is repeated, it is the first of the two instants; a time that is skipped runs when the
  gap ends.
- *By rhythm*, when every hour matches (``*/15 * * * *``): each instant at which the wall clock
  shows a matching time. A repeated time runs twice, a skipped time does not run.
"""

import re
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from zoneinfo import ZoneInfo, available_timezones

from croniter import CroniterBadDateError, croniter

from buoy import ConfigurationError

DAY = 86_400
LONGEST = 256
"""Characters of an expression."""
ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
FORM = (
    "five fields like '0 8 * * mon-fri' (minute, hour, day, month, weekday), six with seconds "
    f"first, or one of {', '.join(sorted(ALIASES))}"
)
UNSUPPORTED = re.compile(r"[hr](\(.*\))?(/.*)?|(\w+)-\3(/.*)?")
"""What croniter accepts and buoy refuses: values by hash or at random, which would differ between
daemons; and a range from a value to itself, which croniter takes for all values."""
PERIOD = re.compile(r"\s*@?every\b", re.IGNORECASE)
HIGHEST = (59, 59, 23, 31, 12, 6)
"""The highest value of each field; seconds come first."""
UNITS = dict(enumerate("smhd"))
"""The unit of each field, for the hint to write a period with ``every``."""
MACHINE_ZONES = re.compile(r"(posix|right)/.*|localtime|posixrules|Factory")
"""Zones that differ between machines, or count leap seconds."""
CYCLES = (60, 60, 24, 0, 12, 0)
"""The length of each field's cycle: a step that divides it is even across its end. 0: no cycle."""


@dataclass(frozen=True)
class Crontab:
    """The ticks of an expression in a zone. Raises ConfigurationError when the expression is
    wrong."""

    expression: str
    zone: ZoneInfo

    def __post_init__(self) -> None:
        fields = self.fields.split()
        wrong = (
            len(self.expression) > LONGEST
            or not self.expression.isascii()
            or len(fields) not in (5, 6)
            or any(
                UNSUPPORTED.fullmatch(part) for field in fields for part in field.lower().split(",")
            )
        )
        if wrong:
            hint = "; for a period write every: 5m" if PERIOD.match(self.expression) else ""
            raise ConfigurationError(f"cron: expected {FORM}, got {self.expression!r:.300}{hint}")
        try:
            self.matches  # noqa: B018 - this checks it
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(
                f"cron: expected {FORM}, got {self.expression!r} ({printable(str(error))})"
            ) from None
        self.check_steps()
        if self.after(0) is None or not croniter.is_valid(
            self.fields, second_at_beginning=True, strict=True
        ):
            raise ConfigurationError(f"cron: expected dates that exist, got {self.expression!r}")

    @cached_property
    def fields(self) -> str:
        """The expression as fields: a short name like @daily is replaced."""
        expression = " ".join(self.expression.split())
        return ALIASES.get(expression.lower(), expression)

    def check_steps(self) -> None:
        """Raises ConfigurationError for a step beyond its field: ``*/90`` minutes would run every
        hour."""
        for place, part in self.steps():
            kind, step = self.kind(place), part.rpartition("/")[2]
            if step.isdecimal() and int(step) > HIGHEST[kind]:
                hint = f"; for a period write every: {step}{UNITS[kind]}" if kind in UNITS else ""
                raise ConfigurationError(
                    f"cron: expected a step of at most {HIGHEST[kind]} in its field, "
                    f"got {part!r}{hint}"
                )

    def kind(self, place: int) -> int:
        """Returns the number of a field, counted from the seconds."""
        return place + 6 - len(self.fields.split())

    def steps(self) -> list[tuple[int, str]]:
        """Returns the parts of fields that have a step, each with the place of its field."""
        fields = enumerate(self.fields.split())
        parts = [(place, part) for place, field in fields for part in field.split(",")]
        return [(place, part) for place, part in parts if "/" in part]

    def values_of(self, place: int, part: str) -> list[int | str]:
        """Returns the values that a part of a field matches."""
        fields = ["*"] * len(self.fields.split())
        fields[place] = part
        found, _ = croniter.expand(" ".join(fields), second_at_beginning=True)
        return list(found[place - 1 if len(fields) == 6 else place])  # the seconds come last there

    @cached_property
    def describable(self) -> str:
        """The expression for its description in plain English: an uneven step is replaced by its
        values."""
        fields = self.fields.split()
        for place in {place for place, _ in self.steps()}:
            fields[place] = self.describable_field(place, fields[place])
        # A day field that matches all days does not count; the description must not name it.
        for place in (2, 4):
            if self.matches.expanded[place] == ["*"]:
                fields[place + len(fields) - 5] = "*"
        return " ".join(fields)

    def describable_field(self, place: int, field: str) -> str:
        step = re.fullmatch(r"\*/(\d+)", field)
        cycle = CYCLES[self.kind(place)]
        if step and cycle and cycle % int(step[1]) == 0:
            return field
        found = self.values_of(place, field)
        special = any(letter in field.lower() for letter in "l#w")
        return field if special else ",".join(map(str, found))

    @cached_property
    def by_rhythm(self) -> bool:
        """Whether every hour matches."""
        return bool(self.matches.expanded[1] == ["*"])

    def after(self, instant: int) -> int | None:
        """Returns the first tick after an epoch second; None if there is none within fifty
        years."""
        return self.rhythm_after(instant) if self.by_rhythm else self.date_after(instant)

    def date_after(self, instant: int) -> int | None:
        match = self.match_after(instant + self.offset(instant))
        while match is not None:
            if (tick := self.first_at(match)) > instant:
                return tick
            match = self.match_after(match)
        return None

    def rhythm_after(self, instant: int) -> int | None:
        """Between two changes of the clock, wall time and instants differ by a fixed offset."""
        offset = self.offset(instant)
        wall = instant + offset
        while (match := self.match_after(wall)) is not None:
            change = self.change(instant, match - offset)
            if change is None:
                return match - offset
            instant, offset = change, self.offset(change)
            wall = instant + offset - 1  # the instant of the change may itself be a tick
        return None

    def match_after(self, wall: int) -> int | None:
        """Returns the next matching time of the wall clock. Such times are numbers as if in UTC."""
        try:
            return int(self.matches.get_next(float, start_time=float(wall)))
        except CroniterBadDateError:
            return None  # not within fifty years

    @cached_property
    def matches(self) -> croniter:
        return croniter(self.fields, second_at_beginning=True)

    def first_at(self, wall: int) -> int:
        """Returns the first instant at which the wall clock shows a time; for a time that is
        skipped, the end of the gap."""
        local = datetime.fromtimestamp(wall, UTC).replace(tzinfo=self.zone)
        first, second = (wall - offset_seconds(local.replace(fold=fold)) for fold in (0, 1))
        change = self.change(second, first) if second < first else None
        return first if change is None else change

    def change(self, start: int, end: int) -> int | None:
        """Returns the first instant after ``start``, up to ``end``, whose offset differs from that
        at the start; None if there is none."""
        before = self.offset(start)
        for day in range(start, end, DAY):
            until = min(day + DAY, end)
            if self.offset(until) != before:
                instants = range(day + 1, until + 1)
                found = bisect_left(instants, True, key=lambda t: self.offset(t) != before)
                return instants[found]
        return None

    def offset(self, instant: int) -> int:
        """Returns the seconds by which the wall clock is ahead of UTC at an instant."""
        return offset_seconds(datetime.fromtimestamp(instant, self.zone))


def offset_seconds(local: datetime) -> int:
    """Returns the offset of a local time from UTC, in seconds."""
    offset = local.utcoffset()
    return 0 if offset is None else round(offset.total_seconds())


def printable(text: str) -> str:
    """Returns a foreign text so that it can be printed on one line."""
    return text if text.isprintable() else repr(text)[1:-1]


def zone_of(name: object) -> ZoneInfo:
    """Returns the time zone of a name. Raises ConfigurationError when there is none."""
    try:
        if isinstance(name, str) and not MACHINE_ZONES.fullmatch(name):
            return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # a ZoneInfoNotFoundError is a KeyError
        pass
    raise ConfigurationError(
        f"tz: expected a time zone like 'Europe/Berlin', got {name!r:.80}{zone_hint(name)}"
    )


def zone_hint(name: object) -> str:
    """Returns a hint which zone is probably meant by a name like ``berlin``; else an empty text."""
    wanted = str(name).casefold().replace(" ", "_")
    zones = (each for each in available_timezones() if not MACHINE_ZONES.fullmatch(each))
    names = sorted(zones, key=lambda each: (each.count("/"), each))
    found = [each for each in names if each.casefold() == wanted]
    found += [each for each in names if each.casefold().endswith("/" + wanted)]
    return f"; did you mean {found[0]!r}?" if found else ""
