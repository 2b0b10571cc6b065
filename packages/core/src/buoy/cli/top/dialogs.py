"""The windows of ``buoy top``: a question, and a text."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

WINDOW = """
    {name} {{ align: center middle; }}
    {name} > * {{
        width: auto; max-width: 90%; height: auto; max-height: 90%;
        border: round $accent; padding: 0 1; background: $surface;
    }}
    {name} Static {{ width: auto; max-width: 100%; }}
"""

HELP = """\
Tab, Shift+Tab   the next table, the last one
arrows, PgUp …   move in a table
Enter            all about the row: arguments, traceback

p   pause or resume: a queue, or a worker
P   pause or resume everything (asks)
c   cancel the job that runs in this row (asks)
s   stop this worker, as TERM does (asks)
r   retry this failure

?   this page
q   end

in/s, out/s: jobs per second over the last ten seconds.
latency: how long the oldest due job has waited."""


class Question(ModalScreen[bool]):
    """Asks whether to do something; the answer is True only after y."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes"),
        Binding("n,escape,enter,q", "answer(False)", "no"),
    ]
    CSS = WINDOW.format(name="Question")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(Text(f"{self.text}\n\ny: yes    n: no"))

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer)


class Page(ModalScreen[None]):
    """Shows a text until a key closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q,question_mark", "close", "close")
    ]
    CSS = WINDOW.format(name="Page")

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self.page_title, self.text = title, text

    def compose(self) -> ComposeResult:
        with VerticalScroll() as window:
            window.border_title = Text(self.page_title)
            window.border_subtitle = "Escape: back"
            yield Static(Text(self.text))

    def action_close(self) -> None:
        self.dismiss(None)
