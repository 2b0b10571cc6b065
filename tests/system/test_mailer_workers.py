"""Mails by real workers: on one connection, through kills, and with an alarm when they fail."""

import os
import signal
from collections.abc import Iterator

import pytest

from tests.support.processes import EXECUTORS, Site, wait_until
from tests.support.smtp import MailServer

from .apps.mails import UserMailer


@pytest.fixture
def post() -> Iterator[MailServer]:
    with MailServer() as post:
        yield post


@pytest.fixture
def mailing(site: Site, post: MailServer) -> Site:
    """A site whose workers send to the server."""
    site.environ |= {"BUOY_MAIL_URL": post.url}
    return site


def burst(site: Site, *options: str) -> None:
    site.burst(*options, queues="mail", app="mails")


@pytest.mark.parametrize("executor", EXECUTORS)
def test_mails_go_out_in_the_worker(mailing: Site, post: MailServer, executor: str) -> None:
    words = [f"mail {number}" for number in range(6)]
    for word in words[:4]:
        UserMailer.welcome(word).deliver()
    for word in words[4:]:
        UserMailer.soon(word).deliver()

    burst(mailing, "--executor", executor, "-c", "1")

    assert sorted(post.subjects) == words
    assert {note.pid for note in mailing.notes}.isdisjoint({os.getpid()})
    assert {tuple(got.recipients) for got in post.received} == {
        ("ann@example.com", "bob@example.com")
    }
    # A child that is forked for one job has a connection for it.
    assert post.connections == (6 if executor == "fork" else 1)


def test_a_child_that_dies_while_it_sends_is_tried_again(mailing: Site, post: MailServer) -> None:
    post.at_data = ["slow"]
    UserMailer.welcome("Hello").deliver()
    mailing.worker(queues="mail", app="mails")
    pid = mailing.note("made").pid
    wait_until(lambda: not post.at_data)  # the server has got the text

    os.kill(pid, signal.SIGKILL)

    mailing.settled("mail")
    assert post.subjects == ["Hello"]
    assert mailing.words("failed") == ["DirtyExit"]


def test_a_worker_that_dies_while_it_sends_loses_no_mail(
    mailing: Site, post: MailServer, executor: str
) -> None:
    post.at_data = ["slow"]
    handle = UserMailer.welcome("Hello").deliver()
    first = mailing.worker("--executor", executor, queues="mail", app="mails")
    mailing.note("made")
    wait_until(lambda: not post.at_data)

    first.kill()
    mailing.worker("--executor", executor, queues="mail", app="mails")

    mailing.settled("mail")
    [got] = post.received
    assert got.message["Message-ID"] == f"<{handle.id}@example.com>"


def test_what_goes_out_twice_can_be_seen_to_be_one(mailing: Site, post: MailServer) -> None:
    post.at_data = ["cut after"]
    UserMailer.welcome("Hello").deliver()
    mailing.worker(queues="mail", app="mails")

    mailing.settled("mail")

    first, second = post.received
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert mailing.words("failed") == ["SMTPServerDisconnected"]


def test_the_alarm_rings_without_the_queue(mailing: Site, post: MailServer) -> None:
    alarm = ("mail", "failures", "--to", "ops@example.com", "--since-last")
    assert mailing.run(*alarm) == (0, "")
    UserMailer.broken().deliver()
    burst(mailing)

    code, output = mailing.run(*alarm)

    assert (code, output) == (1, "1 failed job; mailed to ops@example.com\n")
    [got] = post.received
    assert got.message["Subject"] == "[buoy] 1 failed job"
    assert f"{UserMailer.name}  LookupError" in got.text
    assert mailing.run(*alarm) == (0, "")
    failed = mailing.run("failed", "list", "--json")[1]
    assert '"broken"' in failed


def test_the_alarm_rings_without_redis(mailing: Site, post: MailServer) -> None:
    mailing.environ["BUOY_URL"] = "redis://127.0.0.1:1"

    code, output = mailing.run("mail", "failures", "--to", "ops@example.com")

    assert code == 1, output
    [got] = post.received
    assert got.message["Subject"] == "[buoy] the failed jobs cannot be read from Redis"
