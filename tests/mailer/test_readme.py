"""The README lists the whole interface."""

import dataclasses
from pathlib import Path

from buoy_mailer import Delivery, Mail, Mailer
from buoy_mailer.smtp import OPTIONS

README = (Path(__file__).parents[2] / "packages" / "mailer" / "README.md").read_text()


def test_the_readme_lists_every_attribute_of_a_mailer() -> None:
    for name in ("sender", "queue", *vars(Mailer)["__annotations__"]):
        assert f"| `{name}` |" in README or name == "mails"


def test_the_readme_lists_every_field_of_a_mail() -> None:
    for field in dataclasses.fields(Mail):
        assert f"`{field.name}`" in README


def test_the_readme_lists_every_method_of_a_delivery() -> None:
    for name in ("deliver", "deliver_in", "deliver_at", "deliver_now", "message", "dequeue"):
        assert hasattr(Delivery, name)
        assert f"`.{name}(" in README


def test_the_readme_lists_every_option_of_a_server() -> None:
    for option in OPTIONS:
        assert f"{option}=" in README
