"""The JSON envelope of a job in Redis."""

import json
import math
import re
import time
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from ..errors import CorruptPayload
from .checks import short_repr
from .identity import identifier
from .limits import OF_RUNS, is_limit
from .link import check_chain
from .priority import RANKS
from .strict_json import encode

SEALED = "[sealed]"
"""What stands for arguments and results that a plugin has sealed."""


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
    tags: Sequence[str] = ()
    redact: dict[str, Any] | None = None
    """Which arguments are not shown; see ``redaction.py``."""
    limits: dict[str, Any] | None = None
    """Limits of this job, in place of those of its class: ``timeout``, ``max_memory``."""
    sealed: str | None = None
    """The arguments as a plugin has sealed them: in Redis ``[sealed]`` stands in their place."""
    chain: Sequence[Any] = ()
    """The jobs that follow it when it has ended well; see ``link.py``."""
    same: str | None = field(default=None, init=False, repr=False, compare=False)
    """The identifier; computed at the first call of ``identified``."""

    def encoded(self) -> str:
        """Returns the payload as JSON: ``class`` and ``args`` first, without fields that have their
        default."""
        fields = envelope(self.name, *self.stored_arguments(), self.id)
        if self.identifier is not None:
            fields["identifier"] = self.identifier
        fields["enqueued_at"] = self.enqueued_at
        if self.expires_at is not None:
            fields["expires_at"] = self.expires_at
        if self.attempt > 1:
            fields["attempt"] = self.attempt
        if any((self.tags, self.redact, self.limits, self.sealed, self.chain)):
            fields |= marks(self.tags, self.redact, self.limits, self.sealed, self.chain)
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

    def stored_arguments(self) -> tuple[list[Any], dict[str, Any]]:
        """Returns the arguments as Redis has them, and all who look there."""
        return (self.args, self.kwargs) if self.sealed is None else ([SEALED], {})

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
        if payload.tags:
            check_tags(payload.tags)
        if payload.limits:
            check_limits(payload.limits)
        if payload.chain:
            check_chain(payload.chain)
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


OTHER = "(other)"
"""What stands for the name of a class that is not known."""
FIRST = '{"class":"'


def class_in(text: str) -> str:
    """Returns the name of the class in a payload; OTHER if it cannot be read. Decodes nothing if
    buoy itself has written the payload."""
    if text.startswith(FIRST):
        end = text.find('"', len(FIRST))
        name = text[len(FIRST) : end]
        if end > len(FIRST) and "\\" not in name and name.isascii():
            return name
    try:
        return Payload.decoded(text).name
    except (CorruptPayload, RecursionError):
        return OTHER


def envelope(name: str, args: list[Any], kwargs: dict[str, Any], id: str) -> dict[str, Any]:
    """Returns the fields that every payload has, in their order; ``kwargs`` only if it is not
    empty."""
    fields: dict[str, Any] = {"class": name, "args": args}
    if kwargs:
        fields["kwargs"] = kwargs
    fields["id"] = id
    return fields


def marks(
    tags: Sequence[str],
    redact: dict[str, Any] | None,
    limits: dict[str, Any] | None = None,
    sealed: str | None = None,
    chain: Sequence[Any] = (),
) -> dict[str, Any]:
    """Returns the fields by which people find and see a job, its own limits, what is sealed of it,
    and the jobs that follow it; only those that have a value."""
    fields = {"tags": list(tags), "redact": redact, "limits": limits, "sealed": sealed}
    fields["chain"] = list(chain)
    return {name: value for name, value in fields.items() if value}


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
    "tags": ("tags", (list,)),
    "redact": ("redact", (dict,)),
    "limits": ("limits", (dict,)),
    "sealed": ("sealed", (str, NONE)),
    "plugins": ("plugins", (dict,)),
    "chain": ("chain", (list,)),
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


UNTIL = re.compile(
    r"([1-9][0-9]{0,6} )?(started|finished)|latest|ended"
    r"|(started|finished) replace( [1-9][0-9]{0,14})?"
    r"|[1-9][0-9]{0,14} [1-9][0-9]{0,6} paced|throttled [1-9][0-9]{0,14}|" + "|".join(RANKS)
)
"""What a claim is held until, and whether its holder may be replaced: at the latest so many
milliseconds after the first. With a number it is a permit, and the number its limit; a pace
has the microseconds between two jobs, and how many may begin together; a throttle the milliseconds.
With "ended" it is no claim, but whom to tell of the end of the job. Or it is the priority."""


def check_claims(claims: Sequence[Any]) -> None:
    for claim in claims:
        if is_claim(claim):
            continue
        raise CorruptPayload(
            "payload: expected 'claims' to be pairs of a claim and started, finished, latest or "
            "ended, "
            f"got {short_repr(claim):.80}"
        )


def is_claim(pair: Any) -> bool:
    """Whether a value is a pair of a claim, or of a key of permits, and what it is held until."""
    if type(pair) is not list or len(pair) != 2 or not all(type(word) is str for word in pair):
        return False
    return "\n" not in pair[0] and UNTIL.fullmatch(pair[1]) is not None


def check_tags(tags: Sequence[Any]) -> None:
    for tag in tags:
        if type(tag) is not str:
            raise CorruptPayload(f"payload: expected 'tags' to be texts, got {short_repr(tag):.80}")


def check_limits(limits: dict[str, Any]) -> None:
    for limit in OF_RUNS:
        if limit in limits and not is_limit(limit, limits[limit]):
            raise CorruptPayload(
                f"payload: expected a number, more than 0, as {limit!r} in 'limits', "
                f"got {short_repr(limits[limit]):.80}"
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
