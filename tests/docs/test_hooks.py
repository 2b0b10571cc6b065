"""What docs/hooks.md shows of events is what is printed."""

import re
from pathlib import Path

from .blocks import Page, shell

PROGRAM = """
from buoy import Job
from telling import Telling

class Charge(Job):
    name = "shop.Charge"

    def perform(self, amount):
        if amount < 0:
            raise ValueError("too little")

with Charge.app.inline():
    Charge.enqueue(1)
    try:
        Charge.enqueue(-1)
    except ValueError:
        pass
"""


def test_the_example_of_events_tells_of_each_run(tmp_path: Path) -> None:
    Page("docs/hooks.md").write_files(tmp_path)
    (tmp_path / "shop.py").write_text(PROGRAM)

    said = shell("python shop.py", tmp_path, "redis://unused")

    # How long a run takes is up to the machine.
    assert re.sub(r"after \d+ s", "after N s", said).splitlines() == [
        "shop.Charge attempt 1: Done after N s ",
        "shop.Charge is queued",
        "shop.Charge attempt 1: Failed after N s too little",
        "too little",
    ]
