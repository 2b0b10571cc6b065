"""Read by type checkers, never run: see tests/core/typing_cases.py."""

from pathlib import Path
from typing import assert_type

from buoy import App, Job, Sealer
from buoy_sealed import Sealed, new_key


class Charge(Job):
    plugins = [Sealed([new_key("2026-11")])]

    def perform(self, card: str) -> None: ...


def options() -> None:
    Sealed()
    Sealed("2026-11:secret")
    Sealed(Path("/run/secrets/keys"), show_errors=True)
    Sealed(5)  # type: ignore[arg-type]
    Sealed(show_errors="no")  # type: ignore[arg-type]
    Sealed(key="2026-11:secret")  # type: ignore[call-arg]
    Sealed().keys = ""  # type: ignore[misc]
    App(plugins=[Sealed()])


def keys() -> None:
    assert_type(new_key("2026-11"), str)
    new_key(11)  # type: ignore[arg-type]
    new_key()  # type: ignore[call-arg]


def sealing() -> None:
    assert_type(Sealed().sealer(), Sealer)
