"""Arguments of entries that were set at run time, for job classes whose arguments are sealed."""

import json
from typing import Any

from buoy import ConfigurationError, SealError
from buoy.plugins import open_text, seal_text

ARGS = "arguments of an entry"


def seal_args(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Returns the fields of an entry as Redis gets them; raises SealError."""
    if "args" not in fields:
        return fields
    sealed = seal_text(fields["class"], name, json.dumps(fields["args"]), ARGS)
    return fields if sealed is None else fields | {"args": {"sealed": sealed}}


def open_args(name: str, fields: Any) -> Any:
    """Returns the fields of an entry with its arguments opened; raises ConfigurationError."""
    match fields:
        case {"class": str(job), "args": {"sealed": str(sealed)}}:
            try:
                return fields | {"args": json.loads(open_text(job, name, sealed, ARGS))}
            except SealError as error:
                raise ConfigurationError(f"args: sealed, and cannot be opened: {error}") from None
    return fields
