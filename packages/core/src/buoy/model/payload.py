"""The JSON envelope of a job in Redis."""

import json
import math
import time
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from ..errors import CorruptPayload
from .checks import short_repr
from .identity import identifier
from .strict_json import encode


@dataclass(slots=True)
class Payload:
    """The fields of a job that are stored in Redis. Times are epoch seconds. ``extra`` keeps fields
    that this version does not know."""

    name: str
    args: list[Any]
    kwargs: dict[str, Any]
    id: str
    identifier: str | None = None
    enqueued_at: float = 0.0
    expires_at: float | None = None
    attempt: int = 1
    plugins: dict[str, dict[str, Any]] = field(default_factory=dict)
    claims: Sequence[Sequence[str]] = ()
    failure: dict[str, Any] | None = None
    extra: dict[str, Any] | None = None
    same: str | None = field(default=None, init=False, repr=False, compare=False)
    """The identifier; computed at the first call of ``identified``."""

    def encoded(self) -> str:
        """Returns the payload as JSON: ``class`` and ``args`` first, without fields that have their
        default."""
        fields = envelope(self.name, self.args, self.kwargs, self.id)
        if self.identifier is not None:
            fields["identifier"] = self.identifier
        fields["enqueued_at"] = self.enqueued_at
        if self.expires_at is not None:
            fields["expires_at"] = self.expires_at
        if self.attempt > 1:
            fields["attempt"] = self.attempt
        if self.plugins:
            fields["plugins"] = self.plugins
        if self.claims:
            fields["claims"] = self.claims
        if self.failure:
            fields["failure"] = self.failure
        return encode(fields | self.extra if self.extra else fields)

    def identified(self) -> str:
        """Returns the identifier: the one that the class has made, else one of name and
        arguments."""
        if self.same is None:
            self.same = self.identifier or identifier(self.name, self.args, self.kwargs)
        return self.same

    def arguments(self) -> tuple[list[Any], dict[str, Any]]:
        """Returns the arguments for one run. They are copied if a run could change them."""
        for value in (*self.args, *self.kwargs.values()):
            if isinstance(value, (list, dict)):
                return deepcopy((self.args, self.kwargs))
        return self.args, self.kwargs

    @classmethod
    def decoded(cls, text: str) -> "Payload":
        """Returns the payload in a JSON text; raises CorruptPayload for anything else."""
        fields = parse_fields(text)
        if is_usual(fields):
            fields["name"] = fields.pop("class")
            fields.setdefault("kwargs", {})
            payload = cls(**fields)
        else:
            payload = cls(**attributes_of(fields))
        if payload.claims:
            check_claims(payload.claims)
        # Most payloads pass this; the others are checked one field after the other.
        first = payload.attempt == 1 and payload.expires_at is None
        if not (first and payload.name and payload.id and 0 <= payload.enqueued_at < FAR):
            check_range(payload)
        return payload


def is_usual(fields: dict[str, Any]) -> bool:
    """Whether all fields are of the types that buoy itself writes, so that none needs a
    conversion."""
    for key, value in fields.items():
        if type(value) is not USUAL.get(key):
            return False
    return "class" in fields and "args" in fields and "id" in fields


def attributes_of(fields: dict[str, Any]) -> dict[str, Any]:
    """Returns the attributes of a payload for fields that other programs may have written."""
    found: dict[str, Any] = {"name": None, "args": [], "kwargs": {}, "id": None}
    extra: dict[str, Any] = {}
    for key, value in fields.items():
        attribute, kinds = FIELDS.get(key, NO_FIELD)
        if attribute is None:
            extra[key] = value
        elif type(value) in kinds:
            found[attribute] = value
        else:
            raise unexpected(key, value)
    for key in ("class", "id"):
        if found[FIELDS[key][0]] is None:
            raise unexpected(key, None)
    return found | {"extra": extra or None}


def envelope(name: str, args: list[Any], kwargs: dict[str, Any], id: str) -> dict[str, Any]:
    """Returns the fields that every payload has, in their order; ``kwargs`` only if it is not
    empty."""
    fields: dict[str, Any] = {"class": name, "args": args}
    if kwargs:
        fields["kwargs"] = kwargs
    fields["id"] = id
    return fields


def now() -> float:
    """Returns the time for ``enqueued_at``: epoch seconds, in whole milliseconds."""
    return int(time.time() * 1000) / 1000


NONE = type(None)
FIELDS: dict[str, tuple[str, tuple[type, ...]]] = {
    "class": ("name", (str,)),
    "args": ("args", (list,)),
    "kwargs": ("kwargs", (dict,)),
    "id": ("id", (str,)),
    "identifier": ("identifier", (str, NONE)),
    "enqueued_at": ("enqueued_at", (float, int)),
    "expires_at": ("expires_at", (float, int, NONE)),
    "attempt": ("attempt", (int,)),
    "plugins": ("plugins", (dict,)),
    "claims": ("claims", (list,)),
    "failure": ("failure", (dict, NONE)),
}
"""Field in JSON -> attribute, and its types in JSON; the first one is what buoy writes."""
USUAL = {name: kinds[0] for name, (_, kinds) in FIELDS.items()}
NO_FIELD: tuple[None, tuple[type, ...]] = (None, ())


FAR, MOST_ATTEMPTS = 10**11, 10**9
"""Times (epoch seconds) and attempts in a payload are less than these: Redis can still count them
exactly."""


def check_range(payload: Payload) -> None:
    """Raise CorruptPayload for a value that is out of range."""
    if not payload.name or not payload.id:
        raise unexpected("id" if payload.name else "class", "", "a text that is not empty")
    if not 0 <= payload.enqueued_at < FAR:
        raise unexpected("enqueued_at", payload.enqueued_at, "epoch seconds")
    if payload.expires_at is not None and not 0 <= payload.expires_at < FAR:
        raise unexpected("expires_at", payload.expires_at, "epoch seconds")
    if not 0 < payload.attempt < MOST_ATTEMPTS:
        raise unexpected("attempt", payload.attempt, "1 or more, less than 10 ** 9")


def unexpected(field: str, value: Any, wanted: str = "") -> CorruptPayload:
    wanted = wanted or FIELDS[field][1][0].__name__
    return CorruptPayload(
        f"payload: expected {field!r} to be {wanted}, got {short_repr(value):.80}"
    )


UNTILS = ("started", "finished", "latest")


def check_claims(claims: Sequence[Any]) -> None:
    for claim in claims:
        if type(claim) is list and len(claim) == 2 and claim[1] in UNTILS:
            key = claim[0]
            if type(key) is str and "\n" not in key:
                continue
        raise CorruptPayload(
            "payload: expected 'claims' to be pairs of a claim and started, finished or latest, "
            f"got {short_repr(claim):.80}"
        )


def parse_fields(text: str) -> dict[str, Any]:
    """Returns the fields of a JSON object. Raises CorruptPayload for any other text."""
    try:
        fields = parse_json(text)
        if "\\u" in text or not text.isascii():
            encode(fields).encode()  # other programs may write halves of surrogate pairs
    except (ValueError, RecursionError) as error:
        raise CorruptPayload(
            f"payload: expected a JSON object, got {text[:80]!r} ({error})"
        ) from None
    if not isinstance(fields, dict):
        raise CorruptPayload(f"payload: expected a JSON object, got {text[:80]!r}")
    return fields


def parse_json(text: str) -> Any:
    """Returns the value of a JSON text. Raises ValueError or RecursionError for any other text."""
    if text[:1] == "{" and text[-1:] == "}":  # usually there are no blanks around it
        value, end = decoder.raw_decode(text)
        if end == len(text):
            return value
    return decoder.decode(text)


def parse_finite(text: str) -> float:
    """Returns the number in a text. Raises ValueError for NaN and for the infinities."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a finite number")
    return value


decoder = json.JSONDecoder(parse_float=parse_finite, parse_constant=parse_finite)


def corrupt_envelope(raw: str, failure: dict[str, Any]) -> str:
    """Returns an envelope for a text that is no payload: the text, and the record of its
    failure."""
    return encode({"raw": raw, "failure": failure})


def read_corrupt_envelope(text: str) -> tuple[str, dict[str, Any] | None]:
    """Returns the text in an envelope of a corrupt payload, and its failure; any other text as it
    is, and None."""
    try:
        match json.loads(text):
            case {"raw": str(raw), "failure": dict(failure)}:
                return raw, failure
    except (ValueError, RecursionError):
        pass
    return text, None
