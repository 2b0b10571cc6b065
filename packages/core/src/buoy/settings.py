"""Settings: an argument, else ``BUOY_…``, else the configuration file, else the default."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from .errors import ConfigurationError
from .model.checks import as_float, expect, is_int, parse_switch
from .model.redaction import lowered
from .model.strict_json import is_line, is_utf8
from .process.config_file import ConfigFile, read_config_file

MAX_PAYLOAD_BYTES = 512 * 1024 * 1024
"""The most bytes of a value in Redis."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings of an app; the README describes each. Times in seconds, sizes in bytes.

    Raises ConfigurationError for a value that is out of range.
    """

    url: str = field(default="redis://127.0.0.1:6379/0", repr=False)  # it may hold a password
    namespace: str = "buoy"
    lease: float = 30.0
    max_crashes: int = 3
    max_payload: int = 1024 * 1024
    inline: bool = False
    failed_max: int = 0
    """How many failed jobs each queue keeps; 0 keeps all."""
    failed_days: float = 0.0
    """For how many days each queue keeps failed jobs; 0 keeps them for ever."""
    ageing: float = 0.0
    """After how many seconds a queued job of low priority waits like a normal one; 0: never."""
    plugins: str = ""
    """App-wide plugins, as ``module:name`` with commas in between."""
    redact: str = ""
    """Names of arguments whose values are not shown, with commas in between."""

    @cached_property
    def redacted(self) -> frozenset[str]:
        """The names in ``redact``, in lower case."""
        return lowered(name for word in self.redact.split(",") if (name := word.strip()))

    def __post_init__(self) -> None:
        right = isinstance(self.url, str) and is_utf8(self.url)
        expect(right, "url", "a text such as redis://127.0.0.1:6379/0", type(self.url).__name__)
        lease = as_float(self.lease) if type(self.lease) in (int, float) else 0
        expect(0 < lease < 10**6, "lease", "more than 0 seconds, and finite", self.lease)
        expect(lease >= 0.01, "lease", "at least 0.01 seconds", self.lease)
        right = is_int(self.max_crashes) and 0 <= self.max_crashes < 10**9
        expect(right, "max_crashes", "0 or more", self.max_crashes)
        right = is_int(self.max_payload) and self.max_payload > 0
        expect(right, "max_payload", "more than 0 bytes", self.max_payload)
        right = self.max_payload <= MAX_PAYLOAD_BYTES
        expect(right, "max_payload", f"at most {MAX_PAYLOAD_BYTES} bytes", self.max_payload)
        right = is_int(self.failed_max) and 0 <= self.failed_max < 10**9
        expect(right, "failed_max", "0 or more jobs", self.failed_max)
        days = as_float(self.failed_days) if type(self.failed_days) in (int, float) else -1
        right = 0 <= days < 10**5
        expect(right, "failed_days", "0 or more days, less than 100000", self.failed_days)
        ageing = as_float(self.ageing) if type(self.ageing) in (int, float) else -1
        right = ageing == 0 or 0.001 <= ageing < 10**9
        expect(right, "ageing", "0, or 0.001 or more seconds, less than 10 ** 9", self.ageing)
        expect(isinstance(self.inline, bool), "inline", "True or False", self.inline)
        right = isinstance(self.plugins, str) and is_utf8(self.plugins)
        expect(right, "plugins", "a text such as buoy_sentry:Sentry", self.plugins)
        right = isinstance(self.redact, str) and is_utf8(self.redact)
        expect(right, "redact", "names with commas in between, such as card,password", self.redact)
        plain = is_line(self.namespace) and not set(self.namespace) & set("{} ")
        expect(plain, "namespace", "a name without spaces and braces", self.namespace)


class HasSettings:
    """Base class of App: job classes recognize an app by it without loading App."""


KINDS: dict[str, type] = {each.name: type(each.default) for each in fields(Settings)}
"""The type of each setting of an app."""
KINDS |= {
    "app": list,
    "queues": list,
    "plugins": list,
    "redact": list,
    "executor": str,
    "log_format": str,
}
KINDS |= {"concurrency": int, "processes": int, "max_jobs": int, "max_memory": int, "grace": float}
"""Those of commands, too. A list may also be one text with commas."""

FALLBACKS = {"url": "REDIS_URL"}
"""Variables that many hosts set; they come after the configuration file."""


def settings(environ: Mapping[str, str] = os.environ, **given: Any) -> Settings:
    """The settings of an app. ``given`` comes before the environment, that before the configuration
    file; None means not given.

    Raises ConfigurationError for a value that cannot be read or is out of range.
    """
    file = checked_file(environ)
    found: dict[str, Any] = {}
    for each in fields(Settings):
        text = environ.get(variable_of(each.name))
        if given.get(each.name) is not None:
            found[each.name] = given[each.name]
        elif text:
            found[each.name] = parse_setting(each.name, text, type(each.default))
        elif each.name in file.table:
            found[each.name] = file.table[each.name]
        elif fallback := environ.get(FALLBACKS.get(each.name, "")):
            found[each.name] = fallback
    try:
        return Settings(**found)
    except ConfigurationError as error:
        name = str(error).partition(":")[0]
        if name in file.table and found[name] is file.table[name]:
            raise ConfigurationError(f"{file.path}: {error}") from None
        raise


def variable_of(name: str) -> str:
    """The environment variable of a setting."""
    return f"BUOY_{name.upper()}"


def parse_setting(name: str, text: str, kind: type) -> Any:
    """The value of an environment variable; raises ConfigurationError."""
    if kind is bool:
        return parse_switch(variable_of(name), text)
    try:
        return kind(text)
    except ValueError:
        raise ConfigurationError(
            f"{variable_of(name)}: expected a number ({kind.__name__}), got {text!r}"
        ) from None


def text_setting(name: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """The value of a setting that is a text or a list of texts, these with commas between them;
    None if neither the environment nor the configuration file has it. Raises ConfigurationError."""
    return environ.get(variable_of(name)) or checked_file(environ).table.get(name)


# The configuration file


def checked_file(environ: Mapping[str, str] = os.environ) -> ConfigFile:
    """The configuration file, with lists as texts. Raises ConfigurationError if it cannot be read,
    or has a key that no setting has, or a value of a wrong type."""
    file = read_config_file(environ)
    table = {name: checked_value(file.path, name, value) for name, value in file.table.items()}
    return ConfigFile(file.path, table)


def checked_value(path: str, name: str, value: Any) -> Any:
    """The value of a key in the configuration file; raises ConfigurationError."""
    if name not in KINDS and name not in settings_of_plugins():
        raise unknown_key(path, name)
    subject = f"{path}: {name}"
    match KINDS.get(name):
        case type() as kind if kind is float:
            expect(type(value) in (int, float), subject, "a number", value)
            return as_float(value)
        case type() as kind if kind is list:
            items = value if isinstance(value, list) else [value]
            right = all(isinstance(each, str) for each in items)
            expect(right, subject, "a text, or a list of texts", value)
            return ",".join(items)
        case None:
            right = isinstance(value, str | int | float)
            expect(right, subject, "a text, a number, true or false", value)
        case kind:
            # The value is not shown: a URL may hold a password.
            got = NAMES.get(type(value), type(value).__name__)
            if type(value) is not kind:
                raise ConfigurationError(f"{subject}: expected {NAMES[kind]}, got {got}")
    return value


NAMES = {
    str: "a text",
    int: "a whole number",
    float: "a number with a fraction",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}


def settings_of_plugins() -> set[str]:
    """The settings that installed packages of plugins add, by entry points ``buoy.settings``."""
    from importlib.metadata import entry_points

    return {point.name for point in entry_points(group="buoy.settings")}


def unknown_key(path: str, name: str) -> ConfigurationError:
    from difflib import get_close_matches

    known = sorted({*KINDS, *settings_of_plugins()})
    close = get_close_matches(name.replace("-", "_"), known, 1)
    meant = f"; did you mean {close[0]}?" if close else ""
    return ConfigurationError(
        f"{path}: expected one of the settings {', '.join(known)}; got {name!r}{meant}"
    )
