"""Cron expressions in a time zone: which instants they mean, also when clocks are changed.

croniter says which times of a wall clock an expression matches; here it never hears of zones. Two
rules make instants of them:

- *By the clock*, when the hours are restricted (``30 2 * * *``): each matching time once. In a
  repeated hour that is the first of the two; a time that is skipped runs when the gap ends.
- *By rhythm*, when every hour matches (``*/15 * * * *``): each instant at which the wall clock
  shows a matching time; so both of the repeated ones, and none for those that are skipped.
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
ODD = re.compile(r"[hr](\(.*\))?(/.*)?|(\w+)-\3(/.*)?")
"""What croniter knows and we do not: by hash or at random, which would differ between daemons; and
a range from a value to itself, which it takes for all."""
PERIOD = re.compile(r"\s*@?every\b", re.IGNORECASE)
LAST = (59, 59, 23, 31, 12, 6)
"""The last value of each field, seconds first."""
UNITS = dict(enumerate("smhd"))
"""What periods are counted in that are longer than their field."""
MACHINES = re.compile(r"(posix|right)/.*|localtime|posixrules|Factory")
"""Zones that are not the same on each machine, or count seconds in another way."""
EVEN = (60, 60, 24, 0, 12, 0)
"""What a step of each field must divide, so that it goes on evenly into the next round."""


@dataclass(frozen=True)
class Crontab:
    """The ticks of an expression in a zone; checked when made."""

    expression: str
    zone: ZoneInfo

    def __post_init__(self) -> None:
        fields = self.fields.split()
        wrong = (
            len(self.expression) > LONGEST
            or not self.expression.isascii()
            or len(fields) not in (5, 6)
            or any(ODD.fullmatch(part) for field in fields for part in field.lower().split(","))
        )
        if wrong:
            hint = "; for a period write every: 5m" if PERIOD.match(self.expression) else ""
            raise ConfigurationError(f"cron: expected {FORM}, got {self.expression!r:.300}{hint}")
        try:
            self.matches  # noqa: B018 - it is made, and so checked
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(
                f"cron: expected {FORM}, got {self.expression!r} ({printable(str(error))})"
            ) from None
        self.check_steps()
        if self.after(0) is None or not croniter.is_valid(
            self.fields, second_at_beginning=True, strict=True
        ):
            raise ConfigurationError(
                f"cron: expected dates that there are, got {self.expression!r}"
            )

    @cached_property
    def fields(self) -> str:
        """The expression without its short name."""
        plain = " ".join(self.expression.split())
        return ALIASES.get(plain.lower(), plain)

    def check_steps(self) -> None:
        """A step beyond its field is none: ``*/90`` minutes would be each full hour."""
        for place, part in self.stepped():
            kind, step = self.kind(place), part.rpartition("/")[2]
            if step.isdecimal() and int(step) > LAST[kind]:
                hint = f"; for a period write every: {step}{UNITS[kind]}" if kind in UNITS else ""
                raise ConfigurationError(
                    f"cron: expected a step of at most {LAST[kind]} in its field, "
                    f"got {part!r}{hint}"
                )

    def kind(self, place: int) -> int:
        """Which field it is, if the seconds are the first."""
        return place + 6 - len(self.fields.split())

    def stepped(self) -> list[tuple[int, str]]:
        """The parts that have a step, each with the place of its field."""
        fields = enumerate(self.fields.split())
        parts = [(place, part) for place, field in fields for part in field.split(",")]
        return [(place, part) for place, part in parts if "/" in part]

    def values_of(self, place: int, part: str) -> list[int | str]:
        """What a part of a field stands for."""
        fields = ["*"] * len(self.fields.split())
        fields[place] = part
        found, _ = croniter.expand(" ".join(fields), second_at_beginning=True)
        return list(found[place - 1 if len(fields) == 6 else place])  # the seconds come last there

    @cached_property
    def spoken(self) -> str:
        """The same for people: steps that do not go on evenly are the values that they are."""
        fields = self.fields.split()
        for place in {place for place, _ in self.stepped()}:
            fields[place] = self.spoken_field(place, fields[place])
        # All days are none that counts beside days of another kind; "0-6" is not always that.
        for place in (2, 4):
            if self.matches.expanded[place] == ["*"]:
                fields[place + len(fields) - 5] = "*"
        return " ".join(fields)

    def spoken_field(self, place: int, field: str) -> str:
        step = re.fullmatch(r"\*/(\d+)", field)
        round_ = EVEN[self.kind(place)]
        if step and round_ and round_ % int(step[1]) == 0:
            return field
        found = self.values_of(place, field)
        odd = any(letter in field.lower() for letter in "l#w")
        return field if odd else ",".join(map(str, found))

    @cached_property
    def by_rhythm(self) -> bool:
        """Whether every hour matches."""
        return bool(self.matches.expanded[1] == ["*"])

    def after(self, instant: int) -> int | None:
        """The first tick after an instant."""
        return self.beat_after(instant) if self.by_rhythm else self.date_after(instant)

    def date_after(self, instant: int) -> int | None:
        match = self.match_after(instant + self.offset(instant))
        while match is not None:
            if (tick := self.first_at(match)) > instant:
                return tick
            match = self.match_after(match)
        return None

    def beat_after(self, instant: int) -> int | None:
        """Between two changes of the clock a wall time is an instant, moved by the offset."""
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
        """The next time of the wall clock that matches. Such times are counted as if in UTC."""
        try:
            return int(self.matches.get_next(float, start_time=float(wall)))
        except CroniterBadDateError:
            return None  # not within fifty years

    @cached_property
    def matches(self) -> croniter:
        return croniter(self.fields, second_at_beginning=True)

    def first_at(self, wall: int) -> int:
        """The first instant at which the wall clock shows this time; or, when it is skipped, the
        end of the gap."""
        local = datetime.fromtimestamp(wall, UTC).replace(tzinfo=self.zone)
        first, second = (wall - seconds(local.replace(fold=fold)) for fold in (0, 1))
        change = self.change(second, first) if second < first else None
        return first if change is None else change

    def change(self, start: int, end: int) -> int | None:
        """The first instant after ``start``, up to ``end``, at which another offset is in force
        than at the start."""
        before = self.offset(start)
        for day in range(start, end, DAY):
            until = min(day + DAY, end)
            if self.offset(until) != before:
                instants = range(day + 1, until + 1)
                found = bisect_left(instants, True, key=lambda t: self.offset(t) != before)
                return instants[found]
        return None

    def offset(self, instant: int) -> int:
        """By how many seconds the wall clock is then ahead of UTC."""
        return seconds(datetime.fromtimestamp(instant, self.zone))


def seconds(local: datetime) -> int:
    offset = local.utcoffset()
    return 0 if offset is None else round(offset.total_seconds())


def printable(text: str) -> str:
    """A text of somebody else's, in which there may be anything."""
    return text if text.isprintable() else repr(text)[1:-1]


def zone_of(name: object) -> ZoneInfo:
    """The time zone of that name."""
    try:
        if isinstance(name, str) and not MACHINES.fullmatch(name):
            return ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # a ZoneInfoNotFoundError is a KeyError
        pass
    raise ConfigurationError(
        f"tz: expected a time zone like 'Europe/Berlin', got {name!r:.80}{meant(name)}"
    )


def meant(name: object) -> str:
    """Which zone somebody may have meant: people write ``berlin``."""
    wanted = str(name).casefold().replace(" ", "_")
    zones = (each for each in available_timezones() if not MACHINES.fullmatch(each))
    names = sorted(zones, key=lambda each: (each.count("/"), each))
    found = [each for each in names if each.casefold() == wanted]
    found += [each for each in names if each.casefold().endswith("/" + wanted)]
    return f"; did you mean {found[0]!r}?" if found else ""
