"""Sealed arguments and results: a plugin makes texts of them that only it can open.

They are plain in the process that enqueues a job and in its run, also for the hooks of plugins.
Redis, and whoever looks there, has ``[sealed]`` and the sealed text.
"""

from typing import TYPE_CHECKING, Any, Protocol

from ..errors import SealError
from ..model.identity import identifier
from ..model.payload import SEALED, Payload, parse_json
from ..model.strict_json import encode

if TYPE_CHECKING:
    from .job import Job


class Sealer(Protocol):
    """How texts are sealed. Plugins bring it: see the hook ``sealer``. ``about``: what a text
    belongs to; it opens with this alone, so that nobody can move it to another job."""

    def seal(self, text: str, about: str, /) -> str:
        """Returns a text that tells nothing of ``text`` but its length; raises SealError."""

    def open(self, sealed: str, about: str, /) -> str:
        """Returns the text that ``seal`` has made this one of; raises SealError."""

    def digest(self, text: str, /) -> str:
        """Returns a digest that only those can make who have the keys: equal for equal texts."""


def sealer_of(kind: "type[Job]") -> Sealer | None:
    """Returns what seals the arguments and results of a class; None if they are not sealed.
    Raises SealError."""
    hooks = kind._hooks()
    if hooks is None or hooks.sealer is None:
        return None
    found: Sealer | None = hooks.sealer()
    return found


def required_sealer(kind: "type[Job]", name: str) -> Sealer:
    """Returns what opens the arguments of a class; raises SealError if nothing does."""
    sealer = sealer_of(kind)
    if sealer is None:
        raise SealError(
            f"{name}: expected a plugin that opens sealed arguments and results, got none; add "
            "the plugin with which they were sealed, such as Sealed(), then retry the job"
        )
    return sealer


def about(name: str, id: str, what: str) -> str:
    """Returns what a sealed text belongs to: neither names nor ids have line ends."""
    return f"{name}\n{id}\n{what}"


# Arguments


def seal_arguments(kind: "type[Job]", payload: Payload) -> None:
    """Seal the arguments of a job that is being made, and its identifier, if a plugin wants that.
    Raises SealError."""
    sealer = sealer_of(kind)
    if sealer is None:
        return
    text = encode([payload.args, payload.kwargs])
    payload.sealed = sealer.seal(text, about(payload.name, payload.id, "arguments"))
    payload.identifier, payload.same = sealer.digest(payload.identified()), None


def open_arguments(kind: "type[Job]", payload: Payload) -> None:
    """Make sealed arguments plain, for this process alone. Raises SealError."""
    if payload.sealed is None or payload.args != [SEALED]:
        return
    sealer = required_sealer(kind, payload.name)
    try:
        text = sealer.open(payload.sealed, about(payload.name, payload.id, "arguments"))
    except SealError as error:
        raise SealError(f"{payload.name}: arguments: {error}") from None
    payload.args, payload.kwargs = parse_json(text)


def identifier_in(kind: "type[Job]", name: str, value: Any) -> str:
    """Returns the digest of a JSON value that belongs to jobs of this name: by its key if their
    arguments are sealed. Raises what JSON raises, and SealError."""
    digest, sealer = identifier(name, [value], {}), sealer_of(kind)
    return digest if sealer is None else sealer.digest(digest)
