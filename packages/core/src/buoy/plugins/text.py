"""Text that is safe to show: on terminals, in logs, in error messages."""

from ..model.checks import short_repr
from ..text.durations import UNIT_NAMES, UNIT_SECONDS
from ..text.printable import indented, one_line
from ..text.urls import OddUrl
from ..text.urls import masked as masked_url
from ..text.urls import split as split_url

__all__ = [
    "UNIT_NAMES",
    "UNIT_SECONDS",
    "OddUrl",
    "indented",
    "masked_url",
    "one_line",
    "short_repr",
    "split_url",
]
