import re
from typing import Any

import pytest

from buoy import PluginError, Transition
from buoy.model.transition import CommandArg

KEY = "buoy:{mail}:status:1"


class TestClaim:
    def test_a_claim_is_until_finished_unless_it_says_started(self) -> None:
        transition = Transition("mail")

        transition.claim("a")
        transition.claim("b", until="started")

        assert transition.claims == [["a", "finished"], ["b", "started"]]

    @pytest.mark.parametrize("untils", [("started", "finished"), ("finished", "started")])
    def test_of_two_claims_on_one_key_the_longer_holds(self, untils: Any) -> None:
        transition = Transition("mail")

        for until in untils:
            transition.claim("a", until)

        assert transition.claims == [["a", "finished"]]

    @pytest.mark.parametrize(
        ("key", "message"),
        [
            ("a\nb", "claim: expected a key of one line, got 'a\\nb'"),
            ("\ud800", "claim: key: expected text that UTF-8 can hold, got '\\ud800'"),
        ],
    )
    def test_a_key_is_one_line_of_text(self, key: str, message: str) -> None:
        for attach in (Transition("mail").claim, Transition("mail").latest):
            with pytest.raises(PluginError, match=f"^{re.escape(message)}$"):
                attach(key)

    @pytest.mark.parametrize("facts", [{"until": "ever"}, {"on_conflict": "shrug"}])
    def test_until_and_on_conflict_are_checked(self, facts: Any) -> None:
        until, on_conflict = facts.get("until", "finished"), facts.get("on_conflict", "skip")
        message = (
            "claim: expected until='started' or 'finished' and on_conflict='skip', 'raise' "
            f"or 'replace', got {until!r}, {on_conflict!r}"
        )
        with pytest.raises(PluginError, match=f"^{re.escape(message)}$"):
            Transition("mail").claim("a", **facts)

    def test_the_latest_may_be_said_twice(self) -> None:
        transition = Transition("mail")

        transition.latest("a")
        transition.latest("a")

        assert transition.claims == [["a", "latest"]]


class TestThen:
    def test_a_command_is_kept_in_its_order(self) -> None:
        transition = Transition("mail")

        transition.then("SET", KEY, "x", "EX", 60)
        transition.then("INCRBYFLOAT", KEY, 1.5)

        assert transition.commands == (("SET", KEY, "x", "EX", 60), ("INCRBYFLOAT", KEY, 1.5))

    def test_a_key_of_another_queue_is_refused(self) -> None:
        message = (
            "then: expected a key of queue 'mail', made by app.key(job.queue, ...), "
            "got 'buoy:{bulk}:status:1'"
        )

        with pytest.raises(PluginError, match=f"^{re.escape(message)}$"):
            Transition("mail").then("DEL", "buoy:{bulk}:status:1")

    @pytest.mark.parametrize(
        ("word", "message"),
        [
            (None, "expected str, int or float, got NoneType"),
            (True, "expected str, int or float, got bool"),
            ({"a": 1}, "expected str, int or float, got dict"),
            ("\ud800", "expected text that UTF-8 can hold, got '\\ud800'"),
        ],
    )
    def test_what_cannot_be_sent_to_redis_is_refused(self, word: CommandArg, message: str) -> None:
        with pytest.raises(PluginError, match=f"^then: SET: {re.escape(message)}$"):
            Transition("mail").then("SET", KEY, word)


def test_nothing_is_left_of_what_is_cleared() -> None:
    transition = Transition("mail")
    transition.claim("a")
    transition.newer("tick", 7)
    transition.then("DEL", KEY)

    transition.clear()

    assert transition == Transition("mail")


class TestBounds:
    """What one script can take; see lua/base.lua."""

    def test_a_command_of_too_many_arguments_is_refused_where_it_is_attached(self) -> None:
        transition = Transition("mail")
        transition.then("SADD", KEY, *range(998))

        with pytest.raises(PluginError) as raised:
            transition.then("SADD", KEY, *range(999))

        assert str(raised.value) == (
            "then: SADD: expected at most 1000 arguments, got 1001; send several commands"
        )
        assert len(transition.commands) == 1

    def test_all_that_is_attached_to_one_job_has_a_bound(self) -> None:
        transition = Transition("mail")
        for _ in range(199):
            transition.then("SADD", KEY, *range(998))

        with pytest.raises(PluginError, match=r"at most 200000 arguments .* got 200200; "):
            transition.then("SADD", KEY, *range(998))

        transition.clear()
        transition.then("SADD", KEY, *range(998))
        assert transition.size == 1001

    def test_claims_and_numbers_count_too(self) -> None:
        transition = Transition("mail")
        transition.attached_args = 199_997

        transition.claim("a")
        for attach in (transition.latest, transition.claim, lambda key: transition.newer(key, 1)):
            with pytest.raises(PluginError, match="split the work into more jobs"):
                attach("b")


class TestChecked:
    def test_what_then_has_added_is_as_it_was(self) -> None:
        transition = Transition("mail")
        transition.then("HSET", KEY, "done", 1, 0.5)

        assert transition.checked() == (("HSET", KEY, "done", 1, 0.5),)
        assert Transition("mail").checked() == ()

    @pytest.mark.parametrize(
        ("commands", "message"),
        [
            (5, "job.transition: expected what then() adds, got 5"),
            (0, "job.transition: expected what then() adds, got 0"),
            (["HSET"], "job.transition: expected what then() adds, got 'HSET'"),
            ([["SAVE"]], "job.transition: expected what then() adds, got ['SAVE']"),
            ([["SET", KEY, object]], "job.transition: expected str, int or float, got type"),
            ([["SET", KEY, "\ud800"]], "job.transition: expected text that UTF-8 can hold, got"),
            ([["DEL", "mine"]], "job.transition: expected a key of queue 'mail', got 'mine'"),
            ([["DEL", 5]], "job.transition: expected a key of queue 'mail', got 5"),
            (
                [["DEL", KEY]] * 100_000,
                "job.transition: expected at most 200000 arguments, got more",
            ),
        ],
    )
    def test_what_was_written_there_by_hand_is_refused(self, commands: Any, message: str) -> None:
        transition = Transition("mail")
        transition.commands = commands

        with pytest.raises(PluginError, match=f"^{re.escape(message)}"):
            transition.checked()
