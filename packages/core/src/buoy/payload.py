"""The JSON envelope of a job in Redis."""

import json
import math
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from .canonical import encode
from .errors import CorruptPayload
from .identity import identifier


@dataclass(slots=True)
class Payload:
    """What travels of a job. ``extra`` keeps the fields that this version does not know."""

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

    def encoded(self) -> str:
        """The payload as JSON, ``class`` and ``args`` first, without what is at its default."""
        fields: dict[str, Any] = {"class": self.name, "args": self.args}
        if self.kwargs:
            fields["kwargs"] = self.kwargs
        fields["id"] = self.id
        if self.identifier is not None:
            fields["identifier"] = self.identifier
        fields["enqueued_at"] = self.enqueued_at
        if self.expires_at is not None:
            fields["expires_at"] = self.expires_at
        if self.attempt > 1:
            fields["attempt"] = self.attempt
        kept = {"plugins": self.plugins, "claims": self.claims, "failure": self.failure}
        fields |= {name: value for name, value in kept.items() if value}
        return encode(fields | self.extra if self.extra else fields)

    def identified(self) -> str:
        """The identifier: as the class has made it, else of the name and all arguments."""
        return self.identifier or identifier(self.name, self.args, self.kwargs)

    def arguments(self) -> tuple[list[Any], dict[str, Any]]:
        """The arguments for one run: it may change them, the next one gets them as they were."""
        for value in (*self.args, *self.kwargs.values()):
            if isinstance(value, (list, dict)):
                return deepcopy((self.args, self.kwargs))
        return self.args, self.kwargs

    @classmethod
    def decoded(cls, text: str) -> "Payload":
        """The payload that the text holds; raises CorruptPayload for anything else."""
        fields = loaded(text)
        try:
            return cls(
                name=typed(fields.pop("class", None), str, "class"),
                args=typed(fields.pop("args", []), list, "args"),
                kwargs=typed(fields.pop("kwargs", {}), dict, "kwargs"),
                id=typed(fields.pop("id", None), str, "id"),
                identifier=optional(fields.pop("identifier", None), str, "identifier"),
                enqueued_at=typed(fields.pop("enqueued_at", 0.0), float, "enqueued_at"),
                expires_at=optional(fields.pop("expires_at", None), float, "expires_at"),
                attempt=typed(fields.pop("attempt", 1), int, "attempt"),
                plugins=typed(fields.pop("plugins", {}), dict, "plugins"),
                claims=typed(fields.pop("claims", []), list, "claims"),
                failure=optional(fields.pop("failure", None), dict, "failure"),
                extra=fields or None,
            )
        except CorruptPayload as error:
            raise CorruptPayload(f"payload: {error}") from None


def loaded(text: str) -> dict[str, Any]:
    try:
        fields = decode(text)
        if "\\u" in text or not text.isascii():
            encode(fields).encode()  # buoy writes no halves of surrogate pairs; others may
    except (ValueError, RecursionError) as error:
        raise CorruptPayload(
            f"payload: expected a JSON object, got {text[:80]!r} ({error})"
        ) from None
    if not isinstance(fields, dict):
        raise CorruptPayload(f"payload: expected a JSON object, got {text[:80]!r}")
    return fields


def typed(value: Any, kind: type, field: str) -> Any:
    fits = isinstance(value, (int, float) if kind is float else kind)
    if not fits or (kind in (int, float) and isinstance(value, bool)):
        raise CorruptPayload(f"expected {field!r} to be {kind.__name__}, got {value!r:.80}")
    return value


def optional(value: Any, kind: type, field: str) -> Any:
    return value if value is None else typed(value, kind, field)


def finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no finite number")
    return value


decode = json.JSONDecoder(parse_float=finite, parse_constant=finite).decode


def shelved(raw: str, failure: dict[str, Any]) -> str:
    """A text that is no payload, kept whole beside the record of its failure."""
    return encode({"raw": raw, "failure": failure})


def unshelved(text: str) -> tuple[str, dict[str, Any] | None]:
    """The text that was shelved, and its failure; any other text as it is."""
    try:
        match json.loads(text):
            case {"raw": str(raw), "failure": dict(failure)}:
                return raw, failure
    except (ValueError, RecursionError):
        pass
    return text, None
