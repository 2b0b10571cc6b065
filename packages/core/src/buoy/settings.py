"""Settings of an app: an argument, else the environment variable ``BUOY_…``, else the default."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from .errors import ConfigurationError
from .model.checks import as_float, expect, is_int, parse_switch
from .model.strict_json import is_line, is_utf8

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
        expect(isinstance(self.inline, bool), "inline", "True or False", self.inline)
        plain = is_line(self.namespace) and not set(self.namespace) & set("{} ")
        expect(plain, "namespace", "a name without spaces and braces", self.namespace)


class HasSettings:
    """Base class of App: job classes recognize an app by it without loading App."""


def settings(environ: Mapping[str, str] = os.environ, **given: Any) -> Settings:
    """The settings of an app. ``given`` wins over the environment; None means not given.

    Raises ConfigurationError for a value that cannot be read or is out of range.
    """
    found: dict[str, Any] = {}
    for each in fields(Settings):
        text = environ.get(f"BUOY_{each.name.upper()}")
        if given.get(each.name) is not None:
            found[each.name] = given[each.name]
        elif text:
            found[each.name] = parse_setting(each.name, text, type(each.default))
    return Settings(**found)


def parse_setting(name: str, text: str, kind: type) -> Any:
    """The value of an environment variable; raises ConfigurationError."""
    if kind is bool:
        return parse_switch(f"BUOY_{name.upper()}", text)
    try:
        return kind(text)
    except ValueError:
        raise ConfigurationError(
            f"BUOY_{name.upper()}: expected a number ({kind.__name__}), got {text!r}"
        ) from None
