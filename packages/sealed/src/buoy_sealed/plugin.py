"""The plugin Sealed: what it seals with, and what becomes of the messages of errors."""

from collections.abc import Generator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from buoy import Job, Plugin, Sealer, hookimpl
from buoy.plugins import expect_flags

from .hidden_error import hidden_error
from .keys import Key, Source, keys_of_settings, read_keys

if TYPE_CHECKING:
    from .sealer import KeySealer


@dataclass(frozen=True, repr=False)
class Sealed(Plugin):
    """Encrypts the arguments and the results of jobs: Redis, logs and the dashboard show
    ``[sealed]``.

    ``keys``: a text or a list of texts as ``new_key`` returns them, or a ``Path`` to a file of
    them; None: those of ``BUOY_SEALED_KEYS`` or of the file ``BUOY_SEALED_KEYS_FILE``. The first
    key seals, each opens. ``show_errors``: whether to show the messages of errors that jobs raise,
    which may hold arguments; their types and lines are always shown. Raises ConfigurationError.
    """

    keys: Source | None = None
    show_errors: bool = False

    def __post_init__(self) -> None:
        expect_flags(self, "show_errors")
        if self.keys is not None:
            object.__setattr__(self, "keys", read_keys(self.keys))

    def __repr__(self) -> str:
        """Names the keys by their ids."""
        keys = [] if self.keys is None else [repr(self.keys)]
        return f"Sealed({', '.join(keys + ['show_errors=True'] * self.show_errors)})"

    @hookimpl
    def sealer(self) -> Sealer:
        keys: Any = self.keys
        return sealer_with(keys_of_settings() if keys is None else keys)

    @hookimpl(wrapper=True, trylast=True)
    def around_perform(self, job: Job) -> Generator[None, Any, Any]:
        """The innermost wrapper: no other plugin sees the error of the job itself."""
        try:
            return (yield)
        except GeneratorExit:  # nobody waits for the end of this run
            raise
        except BaseException as error:
            if self.show_errors:
                raise
            hidden = hidden_error(error)
        raise hidden


@cache
def sealer_with(keys: tuple[Key, ...]) -> "KeySealer":
    from .sealer import KeySealer  # loads OpenSSL

    return KeySealer(keys)
