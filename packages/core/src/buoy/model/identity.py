"""The two names of a job that every plugin shares: its id and its identifier."""

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from .strict_json import canonical

try:
    # hashlib brings OpenSSL: 3 MB more for each process that is forked.
    from _blake2 import blake2b
except ImportError:  # a part of CPython that need not be there
    from hashlib import blake2b


def new_id() -> str:
    """A name for one enqueueing: 28 hex digits, ids made later sort later (to the microsecond)."""
    return f"{time.time_ns() // 1000:014x}{os.urandom(7).hex()}"


def identifier(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """The same for the same job name and arguments, in any process: 32 hex digits."""
    call = canonical([name, args, kwargs])
    return blake2b(call.encode(), digest_size=16).hexdigest()
