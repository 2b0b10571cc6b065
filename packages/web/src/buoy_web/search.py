"""The filter language of the pages: one line of text, which is in the URL.

``class:shop.Charge state:failed error:"time out" age>2h 4711``: words with a key must match that
field; the other words are one text, which must occur in the arguments as JSON. All must match, so
no key comes twice.
"""

import re
import time
from dataclasses import dataclass
from typing import Any

from buoy import ConfigurationError
from buoy.plugins.operators import FailedFilter, JobFilter

WORD = re.compile(r'(?:([a-z]+)([:<>]))?("(?:[^"\\]|\\.)*"|\S+)')
UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
LOOK = 100
"""How many jobs a page looks at, if it must read them to know whether they match."""
KEYS = ("class", "state", "queue", "tag", "error", "args", "age")


@dataclass(frozen=True)
class Search:
    """What a line of the filter language says. ``since``, ``until``: epoch seconds."""

    text: str = ""
    name: str | None = None
    state: str | None = None
    queue: str | None = None
    tag: str | None = None
    error: str | None = None
    args: str | None = None
    since: float | None = None
    until: float | None = None

    def line(self, **changes: str | None) -> str:
        """Returns the line with other values for some keys; None takes a key away."""
        kept = [word for word in words_of(self.text) if word[0] not in changes]
        added = [(key, ":", value) for key, value in changes.items() if value is not None]
        return " ".join(format_word(*word) for word in [*kept, *added])

    def within(self, *states: str, error: bool = True) -> "Search":
        """Returns this search, for a page of jobs in these states. ``error``: whether that page
        knows their errors. Raises ConfigurationError for a condition that the page would ignore:
        it would show jobs that the search excludes, and "remove all" would act on them."""
        if self.state is not None and self.state not in states:
            wanted = f"a state of {', '.join(states)}"
            raise ConfigurationError(f"filter: expected {wanted}, got {self.state!r:.80}")
        if self.error is not None and not error:
            raise ConfigurationError(
                "filter: expected error: on the pages Failed, Delayed and History only, got "
                f"error:{self.error:.80}"
            )
        return self

    def job_filter(self, state: str | None) -> JobFilter:
        """Returns the filter of the core for this search, for jobs in this state (None: in any).

        Raises ConfigurationError for an empty text.
        """
        return JobFilter(
            states=[state] if state else [],  # type: ignore[list-item]  # ``within`` has checked it
            **self.conditions,
        )

    @property
    def reads_delayed(self) -> bool:
        """Whether delayed jobs must be read to know whether they match."""
        return self.error is not None or self.job_filter("delayed").reads_payloads

    @property
    def failed_filter(self) -> FailedFilter:
        """The filter of the core for failed jobs. Raises ConfigurationError for an empty text."""
        return FailedFilter(error=self.error, **self.conditions)

    @property
    def conditions(self) -> dict[str, Any]:
        """The conditions that jobs in all states may have to match."""
        names = ("name", "queue", "args", "tag", "since", "until")
        return {name: getattr(self, name) for name in names}


def parse_search(text: str) -> Search:
    """Returns what a line says. Raises ConfigurationError for an unknown key, one that comes twice,
    and a wrong age."""
    words = words_of(text)
    found: dict[str, Any] = {}
    for key, sign, value in words:
        if key:
            add_condition(found, key, sign, value)
    free = [value for key, _, value in words if value and not key]
    if free:
        found["args"] = " ".join([*([found["args"]] if "args" in found else []), *free])
    return Search(text, **found)


def add_condition(found: dict[str, Any], key: str, sign: str, value: str) -> None:
    """Add what a word with a key says. A second one with this key is refused: if only one of them
    counted, "retry all" would act on jobs that the other one excludes."""
    if key not in KEYS:
        raise ConfigurationError(f"filter: expected one of {', '.join(KEYS)}, got {key!r}")
    if not value:
        raise ConfigurationError(f"filter: expected a text behind {key}{sign}, got none")
    if (sign == ":") == (key == "age"):
        right = "age>2h or age<2h" if key == "age" else f"{key}:{value}"
        raise ConfigurationError(f"filter: expected {right}, got {key}{sign}{value}")
    name = {"class": "name", "age": "since" if sign == "<" else "until"}.get(key, key)
    if name in found:
        raise ConfigurationError(f"filter: expected {key}{sign} once, got it twice")
    found[name] = time.time() - seconds_of(value) if key == "age" else value


def words_of(text: str) -> list[tuple[str, str, str]]:
    """Returns the words of a line: key, sign (``:``, ``<`` or ``>``), and value without quotes."""
    return [(key, sign, unquoted(value)) for key, sign, value in WORD.findall(text)]


def unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] == '"'
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if quoted else value


def format_word(key: str, sign: str, value: str) -> str:
    """Returns a word as it is written in a line."""
    if not value or re.search(r'[\s"]|^[a-z]+[:<>]', value):
        value = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{key}{sign}{value}"


def seconds_of(text: str) -> float:
    """Returns the seconds in an age like ``2h``. Raises ConfigurationError for another text."""
    number, unit = text[:-1], text[-1:]
    if unit not in UNITS or not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", number):
        raise ConfigurationError(f"filter: expected an age like age>2h, got {text!r:.80}")
    return float(number) * UNITS[unit]
