"""The shop at work, on its own Redis: `make demo`, or `python examples/demo.py`.

Orders are placed, confirmed by mail, charged and packed; a worker is killed; failed jobs are
retried; and at the end all records are counted and compared. With --web the dashboard shows it.
"""

import argparse
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

try:
    from audit import DemoEvents, find_errors, summary
    from display import LineDisplay, bar, make_display
    from processes import (
        EXAMPLES,
        DemoProcess,
        InterruptibleStack,
        ProcessGroup,
        interruptible,
        without_signals,
    )
    from shop import database
    from shop.checkout import pay, place, receipt
    from shop.gateway import Gateway
    from shop.journal import label
    from shop.mailserver import MailServer
    from shop.orders import Order, read_orders

    from buoy import BuoyError, Job
    from buoy.embedded.server import Server
except KeyboardInterrupt:  # nothing has been started yet
    sys.exit(130)

ORDERS = EXAMPLES / "shop" / "orders.csv"
MODULES = "shop.jobs,shop.mails,shop.reports"
QUEUES = "packing,mail,reports,purchasing"
"""In strict order: charged orders are packed before more are charged."""
SLOTS = 4
LEASE = 2.0
"""Seconds after which other workers take the jobs of a dead worker. The default is 30."""
WAIT_SECONDS = 60.0
ROUNDS = 5
ADDRESS = re.compile(r"the dashboard is at (\S+)")
WEB_HINT = "The dashboard shows all of it: make demo ARGS=--web"


class DemoFailed(BuoyError):
    """Something that must happen did not happen."""


class Demo:
    """What the demo does."""

    def __init__(self, stack: InterruptibleStack, display: LineDisplay, web: bool) -> None:
        self.stack, self.display, self.web = stack, display, web
        self.orders: list[Order] = []
        self.events = DemoEvents()
        self.started = time.monotonic()
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="buoy-demo-")))
        self.folder = folder
        server = stack.enter_context(Server(appendonly=True))
        with without_signals():
            self.gateway = stack.enter_context(Gateway())
            self.mail_server = stack.enter_context(MailServer())
        # The workers read all addresses from the environment, as those of a real shop do.
        os.environ.update(BUOY_URL=server.url, BUOY_LEASE=str(LEASE), BUOY_INLINE="0")
        os.environ.update(SHOP_DATABASE=str(folder / "shop.db"), SHOP_GATEWAY=self.gateway.url)
        os.environ.update(
            BUOY_MAIL_URL=self.mail_server.url, BUOY_MAIL_DELIVERIES="1", BUOY_ENV="demo"
        )
        os.environ.update(PYTHONIOENCODING="utf-8")
        self.out = stack.enter_context((folder / "out").open("a", encoding="utf-8"))
        self.log = stack.enter_context((folder / "log").open("a+", encoding="utf-8"))
        self.worker_output = stack.enter_context((folder / "out").open(encoding="utf-8"))
        self.processes = stack.enter_context(ProcessGroup())
        self.monitor = Job.app.monitor

    def run(self) -> int:
        self.open_shop()
        self.kill_a_worker()
        self.retry_failed_jobs()
        code = self.audit()
        self.display.print_line()
        if self.web:
            self.keep_serving()
        else:
            self.display.print_line(WEB_HINT)
        return code

    # The dashboard

    def open_dashboard(self) -> None:
        """Serve the dashboard while the shop works."""
        place = self.folder / "web"
        with place.open("w", encoding="utf-8") as out:
            process = DemoProcess("web", "-a", MODULES, "--port", "0", out=out, log=self.log)
        self.processes.members.append(process)
        self.wait_until(lambda: bool(ADDRESS.search(place.read_text())), "the dashboard")
        self.address = ADDRESS.findall(place.read_text())[0]
        self.say(f"the dashboard is at {self.address}")

    def keep_serving(self) -> None:
        """Serve the dashboard, while reports go on, until Ctrl-C or TERM."""
        self.start("scheduler", "-a", "shop.reports")
        self.display.print_line(f"The dashboard stays at {self.address} until Ctrl-C.")
        while not self.stack.interrupted:
            self.check_processes()
            time.sleep(0.05)

    # The four steps

    def open_shop(self) -> None:
        database.create()
        for order in read_orders(ORDERS):
            self.stack.check()
            self.serve(order)
        self.say(
            f"{len(self.orders)} orders are placed; each must be confirmed, charged and packed"
        )
        self.say(f"{self.events.dropped} more are rolled back: none of their jobs may run")
        self.say(f"{self.events.doubles} customers click twice: only one charge each is enqueued")
        if self.web:
            self.open_dashboard()
        self.first, second = self.start_worker(), self.start_worker()
        self.say(f"workers {self.first.pid} and {second.pid} start, with {SLOTS} slots each")
        self.scheduler = self.start("scheduler", "-a", "shop.reports")
        self.say(f"scheduler {self.scheduler.pid} starts: a report every 2 seconds")
        order = self.orders[1]  # the gateway hangs up on the first one
        self.wait_until(lambda: receipt(order.id) is not None, "a receipt")
        self.say(f"the web tells {order.customer}: paid, receipt {receipt(order.id)}")

    def serve(self, order: Order) -> None:
        """Serve one customer. Some orders are rolled back, and some customers click twice."""
        with database.transaction() as session:
            place(session, order)
            if order.id % 10 == 0:
                session.rollback()
                self.events.dropped += 1
                return
        self.orders.append(order)
        if order.id % 7 == 0 and pay(order.id).state == "exists":
            self.events.doubles += 1

    def kill_a_worker(self) -> None:
        victim = self.first

        def in_the_middle() -> bool:
            begun = set(database.column(database.runs.c.job_id))
            busy = len(begun.intersection(self.running_jobs(victim))) > 1
            return busy and database.count(database.charges) >= len(self.orders) // 3

        self.wait_until(in_the_middle, "a worker that is running several jobs")
        self.processes.members.remove(victim)
        victim.kill()
        interrupted = self.running_jobs(victim)
        names = ", ".join(map(self.label, interrupted))
        self.say(f"worker {victim.pid} is killed by kill -9 while it runs {names}")
        self.say(f"worker {self.start_worker().pid} takes its place")
        self.wait_until(lambda: not any(map(self.is_open, interrupted)), "the killed worker's jobs")
        self.events.interrupted = len(interrupted)
        self.say(f"other workers have run all {len(interrupted)} jobs of the killed worker")

    def retry_failed_jobs(self) -> None:
        self.wait_until(self.is_quiet, "the end of all jobs")
        for _ in range(ROUNDS):
            failures = list(Job.app.failures.find())
            if not failures:
                break
            self.events.failed += len(failures)
            self.say(
                f"{len(failures)} have failed and are retried, as by `buoy failed retry --all`"
            )
            answers = Job.app.failures.retry(failures)
            self.events.retried += Counter(answer.kind for answer in answers.values())["queued"]
            self.wait_until(self.is_quiet, "the end of the retried jobs")

    def audit(self) -> int:
        self.processes.members.remove(self.scheduler)
        self.scheduler.end()
        self.wait_until(self.is_quiet, "the end of the last report")
        self.events.seconds = time.monotonic() - self.started
        self.display.close()
        self.display.print_line()
        for line in summary(Job.app, self.gateway, self.mail_server, self.events):
            self.display.print_line(line)
        self.display.print_line()
        errors = list(find_errors(Job.app, self.gateway, self.mail_server, self.orders))
        for line in errors:
            self.display.print_line(f"WRONG: {line}")
        if not errors:
            self.display.print_line("Nothing was lost, and nothing was charged or mailed twice.")
        return 1 if errors else 0

    # The state of the shop

    def running_jobs(self, worker: DemoProcess) -> list[str]:
        views = [view for view in self.monitor.workers() if view.pid == worker.pid]
        return sorted(id for view in views for id in view.running)

    def label(self, id: str) -> str:
        view = Job.app.find(id)
        return label(view.name or "", view.args) if view else id

    def is_open(self, id: str) -> bool:
        view = Job.app.find(id)
        return view is not None and view.state != "failed"

    def is_quiet(self) -> bool:
        """Whether each order is packed or its job has failed, and no other job is in a queue."""
        packed, queues = database.count(database.papers), self.monitor.queues()
        pending = sum(queue.queued + queue.delayed + queue.running for queue in queues)
        failed = sum(queue.failed for queue in queues)
        return packed + failed >= len(self.orders) and pending == 0

    # Processes, waiting and output

    def start_worker(self) -> DemoProcess:
        arguments = ["-a", MODULES, "-q", QUEUES, "-c", str(SLOTS)]
        return self.start("worker", *arguments, "--grace", "1", "--quiet")

    def start(self, *arguments: str) -> DemoProcess:
        process = DemoProcess(*arguments, out=self.out, log=self.log)
        self.processes.members.append(process)
        return process

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            self.stack.check()
            self.report()
            self.check_processes()
            if time.monotonic() > deadline:
                raise self.failure(f"waited {WAIT_SECONDS:g} s for {what}")
            time.sleep(0.05)
        self.stack.check()
        self.report()

    def check_processes(self) -> None:
        if not all(process.is_alive() for process in self.processes.members):
            raise self.failure("a worker has ended unexpectedly")

    def failure(self, reason: str) -> DemoFailed:
        self.log.seek(0)
        tail = "".join(self.log.readlines()[-10:])
        return DemoFailed(f"{reason}. The workers' log ends with:\n{tail}".rstrip())

    def report(self) -> None:
        while line := self.worker_output.readline():
            self.display.log_line(self.timed(line.rstrip("\n")))
        queues = self.monitor.queues()
        states = {
            "queued": sum(queue.queued for queue in queues),
            "running": sum(queue.running for queue in queues),
            "to be retried": sum(queue.delayed for queue in queues),
            "failed": sum(queue.failed for queue in queues),
        }
        total = len(self.orders)
        self.display.show_status(
            [
                "",
                f"mailed   {bar(len(self.mail_server.received), total)}",
                f"charged  {bar(database.count(database.charges), total)}",
                f"packed   {bar(database.count(database.papers), total)}",
                "jobs     " + ", ".join(f"{count} {state}" for state, count in states.items()),
                "",
            ]
        )

    def say(self, text: str) -> None:
        self.display.print_line(self.timed(text))

    def timed(self, text: str) -> str:
        return f"{time.monotonic() - self.started:5.1f} s  {text}"


def main() -> int:
    parser = argparse.ArgumentParser(description="A small shop runs its jobs.")
    parser.add_argument("--web", action="store_true", help="serve the dashboard, until Ctrl-C")
    web = parser.parse_args().web
    display = make_display()
    try:
        with interruptible() as stack:
            code = Demo(stack, display, web).run()
            if not web:  # there Ctrl-C is the usual end
                stack.check()
            return code
    except KeyboardInterrupt:
        display.close()
        print("demo: interrupted; all processes that it started have ended", file=sys.stderr)
        return 130
    except BuoyError as error:
        display.close()
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of the output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


if __name__ == "__main__":
    sys.exit(main())
