"""The README names all that there is."""

import dataclasses
from pathlib import Path

from buoy_mailer import Delivery, Mail, Mailer
from buoy_mailer.smtp import OPTIONS

README = (Path(__file__).parents[2] / "packages" / "mailer" / "README.md").read_text()


def test_every_attribute_of_a_mailer() -> None:
    for name in ("sender", "queue", *vars(Mailer)["__annotations__"]):
        assert f"| `{name}` |" in README or name == "mails"


def test_every_field_of_a_mail() -> None:
    for field in dataclasses.fields(Mail):
        assert f"`{field.name}`" in README


def test_every_way_to_deliver() -> None:
    for name in ("deliver", "deliver_in", "deliver_at", "deliver_now", "message", "dequeue"):
        assert hasattr(Delivery, name)
        assert f"`.{name}(" in README


def test_every_option_of_a_server() -> None:
    for option in OPTIONS:
        assert f"{option}=" in README
