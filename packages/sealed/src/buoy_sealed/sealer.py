"""Seals texts with AES-256-GCM. A sealed text is ``KEY_ID.BASE64``: nonce, ciphertext and tag."""

import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from buoy import SealError

from .keys import Key

NONCE = 12
"""The bytes of a nonce. It is random, so one key may seal some 4 * 10 ** 9 texts."""
WHAT_TO_DO = (
    "give it back (at any place of the list: the first key seals, each opens), and retry the job"
)


class KeySealer:
    """Seals with the first key, and opens with the one that the sealed text names."""

    def __init__(self, keys: tuple[Key, ...]) -> None:
        self.first = keys[0].id
        self.ciphers = {key.id: AESGCM(derived(key, b"seal")) for key in keys}
        self.digest_key = derived(min(keys, key=lambda key: key.id), b"digest")
        """That of the key whose id sorts first: so digests remain when keys are added, whatever
        their order is in one process or another, until this one is removed."""

    def seal(self, text: str, about: str, /) -> str:
        nonce = os.urandom(NONCE)
        bound = f"{self.first}\n{about}".encode()
        sealed = self.ciphers[self.first].encrypt(nonce, text.encode(), bound)
        return f"{self.first}.{urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, about: str, /) -> str:
        id, _, text = sealed.partition(".")
        cipher = self.ciphers.get(id)
        if cipher is None:
            raise SealError(
                f"the key {id!r:.50} is missing, this process has {', '.join(self.ciphers)}; "
                f"{WHAT_TO_DO}"
            )
        try:
            data = urlsafe_b64decode(text.encode())
            plain = cipher.decrypt(data[:NONCE], data[NONCE:], f"{id}\n{about}".encode())
        except (InvalidTag, ValueError):
            raise SealError(
                f"expected what the key {id!r:.50} has sealed for this job, got something else: it "
                "was changed, or belongs to another job, or that key has another secret here"
            ) from None
        return plain.decode()

    def digest(self, text: str, /) -> str:
        return hmac.digest(self.digest_key, text.encode(), "sha256")[:16].hex()


def derived(key: Key, use: bytes) -> bytes:
    """Returns the part of a secret for one use (HKDF's expansion, of one block)."""
    return hmac.digest(key.secret, b"buoy-sealed " + use + b"\x01", sha256)
