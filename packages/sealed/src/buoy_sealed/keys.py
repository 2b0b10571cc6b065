"""Keys: where they come from, and how they are written. No error, log or repr shows one."""

import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from functools import cache
from os import PathLike
from pathlib import Path

from buoy import ConfigurationError, SealError
from buoy.plugins import text_setting

SETTING, FILE_SETTING = "sealed_keys", "sealed_keys_file"
SIZE = 32
"""The bytes of a secret."""
FORM = "an id, a colon, and the 32 bytes of a secret in base64 (see buoy_sealed.new_key)"
ID = re.compile(r"[A-Za-z0-9_-]{1,40}")

Source = str | PathLike[str] | Iterable[str]
"""Where keys are: a text, with blanks or line ends between keys; a file of such a text; or a list
of texts."""


def new_key(id: str) -> str:
    """Returns a new key of this id, which you choose: best the month in which it is made,
    ``2026-11``. Raises ConfigurationError for an id that is not valid."""
    if not (isinstance(id, str) and ID.fullmatch(id)):
        raise ConfigurationError(
            f"new_key: expected an id of 1 to 40 letters, digits, - and _, got {id!r:.80}"
        )
    return f"{id}:{urlsafe_b64encode(os.urandom(SIZE)).decode()}"


class Key:
    """A secret, and the id by which sealed texts name it."""

    __slots__ = ("id", "secret")

    def __init__(self, id: str, secret: bytes) -> None:
        self.id, self.secret = id, secret

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and (self.id, self.secret) == (other.id, other.secret)

    def __hash__(self) -> int:
        return hash((self.id, self.secret))

    def __repr__(self) -> str:
        return f"<key {self.id}>"


def read_keys(source: Source) -> tuple[Key, ...]:
    """Returns the keys of a source, in its order. Raises ConfigurationError."""
    if isinstance(source, PathLike):
        return parse_keys([file_text(Path(source))], str(source))
    return parse_keys([source] if isinstance(source, str) else source, "Sealed.keys")


def keys_of_settings() -> tuple[Key, ...]:
    """Returns the keys that the settings name; raises SealError if they name none, and
    ConfigurationError for one that cannot be read."""
    return read_settings(
        os.environ.get("BUOY_SEALED_KEYS"), os.environ.get("BUOY_SEALED_KEYS_FILE")
    )


@cache
def read_settings(text: str | None, path: str | None) -> tuple[Key, ...]:
    """Returns the keys for these values of the two variables, or of the configuration file. Files
    are read once in a process."""
    text, path = text_setting(SETTING), text_setting(FILE_SETTING)
    if text and path:
        raise ConfigurationError("expected BUOY_SEALED_KEYS or BUOY_SEALED_KEYS_FILE, got both")
    if text:
        return parse_keys([text], "BUOY_SEALED_KEYS")
    if path:
        return parse_keys([file_text(Path(path))], "BUOY_SEALED_KEYS_FILE")
    raise SealError(
        "this process has no keys: expected some in BUOY_SEALED_KEYS, in the file that "
        "BUOY_SEALED_KEYS_FILE names, or in Sealed(keys)"
    )


def file_text(path: Path) -> str:
    """Returns the text of a file of keys; lines that begin with # are left out."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise ConfigurationError(f"{path}: expected a file of keys, got: {reason}") from None
    return "\n".join(line for line in lines if not line.lstrip().startswith("#"))


def parse_keys(texts: Iterable[object], subject: str) -> tuple[Key, ...]:
    """Returns the keys in these texts; raises ConfigurationError, which shows none of them."""
    try:
        listed = list(texts)
    except TypeError:
        raise ConfigurationError(f"{subject}: expected keys, got {type(texts).__name__}") from None
    words = [word for text in listed for word in (text.split() if type(text) is str else [text])]
    keys = tuple(parse_key(word, f"{subject}: key {n}") for n, word in enumerate(words, 1))
    if not keys:
        raise ConfigurationError(f"{subject}: expected at least one key: {FORM}; got none")
    ids = [key.id for key in keys]
    if twice := [id for id in ids if ids.count(id) > 1]:
        raise ConfigurationError(f"{subject}: expected ids that differ, got {twice[0]} twice")
    return keys


def parse_key(word: object, subject: str) -> Key:
    id, colon, secret = word.partition(":") if isinstance(word, str) else ("", "", "")
    if not (colon and ID.fullmatch(id)):
        raise ConfigurationError(f"{subject}: expected {FORM}, got something else")
    try:
        found = urlsafe_b64decode(secret.encode())
    except ValueError:
        found = b""
    if len(found) != SIZE:
        raise ConfigurationError(f"{subject} ({id}): expected {FORM}, got another secret")
    return Key(id, found)
