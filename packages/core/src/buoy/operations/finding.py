"""What a check of ``buoy doctor`` finds."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    ``state``: "wrong" if jobs are lost, wait or run late because of it, or soon will be; "note" if
    somebody should look at it. ``advice``: what to do.
    """

    subject: str
    state: Literal["ok", "note", "wrong"]
    text: str
    advice: str = ""
