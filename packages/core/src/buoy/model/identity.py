"""The id of a job, which each enqueueing has for itself, and the identifier of its arguments."""

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from .strict_json import encode_canonical

try:
    # hashlib loads OpenSSL, which is 3 MB more in each forked process.
    from _blake2 import blake2b
except ImportError:  # an interpreter without this private module of CPython
    from hashlib import blake2b


def new_id() -> str:
    """A new id: 28 hex digits. Ids sort by the microsecond in which they were made."""
    return f"{time.time_ns() // 1000:014x}{os.urandom(7).hex()}"


def identifier(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """A digest of a job's name and arguments: 32 hex digits, equal in every process and version.

    It is kept in Redis, so it must never change. Raises what JSON raises for arguments that were
    not checked.
    """
    text = encode_canonical([name, args, kwargs])
    return blake2b(text.encode(), digest_size=16).hexdigest()
