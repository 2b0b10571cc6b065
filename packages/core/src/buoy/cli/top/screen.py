"""The screen of ``buoy top``."""

import time
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events
from textual.app import App as Screen
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import DataTable, Footer, Static

from ...operations.views import JobView, QueueView, WorkerView
from ...text.urls import masked
from . import acts
from .details import details
from .dialogs import HELP, Page, Question
from .reading import Rates, Snapshot
from .redis_thread import Act, RedisThread
from .rows import FAILURES, QUEUES, WORKERS, TopRow, failure_rows, queue_rows, worker_rows
from .table import TopTable

if TYPE_CHECKING:
    from ...app import App

KEYS_OF = {"queues": {"pause"}, "workers": {"pause", "cancel", "stop"}, "failures": {"retry"}}
"""The acts that each table knows."""


PARTS = 5
"""How many parts the screen has that change: three tables, and a line above and below them."""
STARTING = "reading Redis …"
"""The line at the bottom until Redis has answered."""


class Top(Screen[None]):
    """Three tables, which a thread fills from Redis."""

    TITLE = "buoy top"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
        #title, #status { height: 1; padding: 0 1; }
        #title { background: $panel; }
        #title.paused { background: $warning; color: $text; }
        TopTable { height: 1fr; min-height: 4; border: round $panel; }
        TopTable:focus { height: 2fr; border: round $accent; }
        #status.complaint { background: $error; color: $text; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "act('pause')", "pause/resume"),
        Binding("c", "act('cancel')", "cancel job"),
        Binding("s", "act('stop')", "stop worker"),
        Binding("r", "act('retry')", "retry"),
        Binding("P", "pause_all", "pause all", show=False),
        Binding("question_mark", "help", "help", key_display="?"),
        Binding("q", "quit", "quit"),
        Binding("ctrl+c", "quit", "quit", show=False, priority=True),
    ]

    class Read(Message):
        """Redis was read."""

        def __init__(self, snapshot: Snapshot) -> None:
            super().__init__()
            self.snapshot = snapshot

    class Said(Message):
        """Something was done, or could not be done."""

        def __init__(self, line: str, *, complaint: bool) -> None:
            super().__init__()
            self.line, self.complaint = line, complaint

    def __init__(self, app: "App", interval: float) -> None:
        super().__init__()
        self.buoy, self.rates = app, Rates()
        self.said, self.is_paused = STARTING, False
        self.redis = RedisThread(
            app,
            interval,
            show=lambda snapshot: self.post_message(self.Read(snapshot)),
            say=lambda line: self.post_message(self.Said(line, complaint=False)),
            complain=lambda line: self.post_message(self.Said(line, complaint=True)),
        )

    def compose(self) -> ComposeResult:
        yield Static(Text(self.place()), id="title")
        yield TopTable("queues", QUEUES)
        yield TopTable("workers", WORKERS)
        yield TopTable("failures", FAILURES)
        yield Static(Text(STARTING), id="status")
        yield Footer()

    def place(self) -> str:
        """Returns which jobs are shown."""
        settings = self.buoy.settings
        return f"buoy top  {masked(settings.url)}  namespace {settings.namespace}"

    def on_mount(self) -> None:
        self.tables["queues"].focus()
        self.redis.start()

    def on_unmount(self) -> None:
        self.redis.stop()

    @property
    def tables(self) -> dict[str, TopTable]:
        return {each.id or "": each for each in self.screen_stack[0].query(TopTable)}

    # What the thread tells

    def on_top_read(self, message: Read) -> None:
        """Show a reading."""
        if self.is_ending:
            return
        snapshot, tables = message.snapshot, self.tables
        self.rates.add(snapshot)
        away = f", {len(snapshot.missed)} on nodes that are away" if snapshot.missed else ""
        working = len(snapshot.workers)
        tables["queues"].show(
            queue_rows(snapshot, self.rates), f"queues ({len(snapshot.queues)}{away})"
        )
        some = "not listed now" if snapshot.missed and not snapshot.workers else str(working)
        tables["workers"].show(worker_rows(snapshot), f"workers ({some})")
        shown = len(snapshot.failures)
        some = f"{shown} of {snapshot.failed}" if shown < snapshot.failed else f"{shown}"
        tables["failures"].show(failure_rows(snapshot), f"failures ({some})")
        self.is_paused = snapshot.paused_since is not None
        at = time.strftime("%H:%M:%S", time.localtime(snapshot.at))
        paused = "EVERYTHING IS PAUSED  " if self.is_paused else ""
        self.widget("title").update(Text(f"{paused}{self.place()}  {at}"))
        self.widget("title").set_class(self.is_paused, "paused")
        if self.widget("status").has_class("complaint") or self.said == STARTING:
            self.tell("")

    def on_top_said(self, message: Said) -> None:
        """Show what was done, or why not."""
        if not self.is_ending:
            self.tell(message.line, complaint=message.complaint)

    @property
    def is_ending(self) -> bool:
        """Whether the screen is gone, or parts of it: the thread may still tell something."""
        parts = self.screen_stack[0].query("TopTable, #title, #status") if self.screen_stack else ()
        return len(parts) < PARTS

    def tell(self, line: str, *, complaint: bool = False) -> None:
        """Show a line at the bottom."""
        self.said = line
        status = self.widget("status")
        status.update(Text(line, no_wrap=True, overflow="ellipsis"))
        status.set_class(complaint, "complaint")

    def widget(self, id: str) -> Static:
        return self.screen_stack[0].query_one(f"#{id}", Static)

    def on_resize(self, _: events.Resize) -> None:
        self.call_after_refresh(self.redraw)

    def redraw(self) -> None:
        """Draw the tables anew: their width has changed."""
        for table in self.tables.values():
            table.show(table.top_rows, str(table.border_title))

    # Keys

    @property
    def table(self) -> TopTable | None:
        """The table that has the cursor."""
        return self.focused if isinstance(self.focused, TopTable) else None

    def on_descendant_focus(self, _: events.DescendantFocus) -> None:
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that do nothing in this table are not shown."""
        if action != "act":
            return True
        return self.table is not None and parameters[0] in KEYS_OF[self.table.id or ""]

    def action_act(self, name: str) -> None:
        """Do what a key means for the row under the cursor; ask before something ends."""
        row = self.table.current if self.table else None
        if row is None:
            return
        question, act = self.meaning(name, row)
        if act is None:
            self.tell("this worker runs no job")
        elif question:
            self.ask(question, act)
        else:
            self.redis.do(act)

    def meaning(self, name: str, row: TopRow) -> tuple[str, Act | None]:
        """Returns what a key means for a row: the question to ask before, if any, and the act."""
        app, subject, job = self.buoy, row.subject, row.job
        match name, subject:
            case "pause", QueueView():
                return "", lambda: acts.toggle_queue(app, subject)
            case "pause", WorkerView():
                return "", lambda: acts.toggle_worker(app, subject)
            case "stop", WorkerView():
                question = f"Stop worker {subject.id}? It ends when its jobs have ended."
                return question, lambda: acts.tell_worker(app, subject, "stop")
            case "cancel", WorkerView() if job is not None:
                question = f"Cancel job {job.id} ({job.name})? It ends, and does not run again."
                return question, lambda: acts.cancel_job(app, job)
            case "retry", JobView():
                return "", lambda: acts.retry_failure(app, subject)
        return "", None

    def action_pause_all(self) -> None:
        """Pause or resume everything, after a question."""
        resume = self.is_paused
        question = (
            "Resume everything?"
            if resume
            else "Pause everything? No worker takes jobs then, also none that starts later."
        )
        self.ask(question, lambda: acts.toggle_everything(self.buoy, resume=resume))

    def ask(self, question: str, act: Act) -> None:
        """Ask a question, and do this if the answer is yes."""
        self.push_screen(Question(question), lambda yes: self.redis.do(act) if yes else None)

    def action_help(self) -> None:
        self.push_screen(Page("buoy top", HELP))

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Enter: show all about a row."""
        if self.table is not None and self.table.current is not None:
            self.push_screen(Page(*details(self.table.current)))
