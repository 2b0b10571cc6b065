"""Text that is safe to show: on terminals, in logs, in error messages."""

from ..text.printable import indented, one_line
from ..text.urls import OddUrl
from ..text.urls import masked as masked_url
from ..text.urls import split as split_url

__all__ = ["OddUrl", "indented", "masked_url", "one_line", "split_url"]
