import re

import pytest

from buoy.broker.keys import QUEUE_PARTS, Keys
from buoy.errors import ConfigurationError
from buoy.model.names import checked_queue
from buoy.model.queue_list import QueueList
from buoy.operations.views import worker_view

KNOWN = ["purchasing", "mail", "mail_bulk", "mail_urgent", "admin"]


class TestQueueList:
    @pytest.mark.parametrize(
        ("text", "queues"),
        [
            ("purchasing", ["purchasing"]),
            ("purchasing,mail", ["purchasing", "mail"]),
            (" mail , purchasing ,", ["mail", "purchasing"]),
            ("unknown", ["unknown"]),
            ("*", ["admin", "mail", "mail_bulk", "mail_urgent", "purchasing"]),
            ("purchasing,*", ["purchasing", "admin", "mail", "mail_bulk", "mail_urgent"]),
            ("mail*,!mail_bulk,*", ["mail", "mail_urgent", "admin", "purchasing"]),
            ("mail_?????", []),
            ("mail_[bu]*", ["mail_bulk", "mail_urgent"]),
            ("*,!mail*", ["admin", "purchasing"]),
            ("mail,admin,!mail", ["admin"]),
            ("mail_*,!mail_?", ["mail_bulk", "mail_urgent"]),
            ("mail,mail", ["mail"]),
            ("Mail*", []),
        ],
    )
    def test_a_queue_list_is_served_in_its_order(self, text: str, queues: list[str]) -> None:
        assert list(QueueList.parse(text).resolve(KNOWN)) == queues

    def test_a_queue_list_without_globs_is_fixed(self) -> None:
        assert QueueList.parse("a,b,!c").fixed
        assert not QueueList.parse("a,b*").fixed

    def test_a_queue_list_is_shown_as_it_was_given(self) -> None:
        assert str(QueueList.parse(" mail*, !mail_bulk ,*")) == "mail*,*,!mail_bulk"

    @pytest.mark.parametrize(
        "text", ["", " , ", "!mail", "mail,!mail", "a:5,b,!a,!b", "mail,!m*", "m*,!m*", "*,a,!*"]
    )
    def test_a_list_of_nothing_is_refused(self, text: str) -> None:
        message = f"-q: expected at least one queue that is not excluded by !, got {text!r}"

        with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
            QueueList.parse(text)

    def test_a_name_that_no_queue_can_have_is_refused(self) -> None:
        with pytest.raises(ConfigurationError, match=r"^queue: expected a name .* got 'a b'$"):
            QueueList.parse("mail,a b")


class TestWeights:
    @pytest.mark.parametrize(
        ("text", "weights"),
        [
            ("mail,admin", {}),
            ("mail:5,admin:1", {"mail": 5, "admin": 1}),
            (" mail:5 , admin ", {"mail": 5, "admin": 1}),
            ("mail_urgent:9,mail*:3,!mail_bulk,*", {"mail_urgent": 9, "mail": 3, "admin": 1}),
            ("*:2", {"mail": 2, "mail_urgent": 2, "purchasing": 2}),
            ("admin:2,admin:7", {"admin": 2}),
            ("unknown:3", {"unknown": 3}),
        ],
    )
    def test_each_queue_has_that_of_the_first_pattern_it_fits(
        self, text: str, weights: dict[str, int]
    ) -> None:
        queues = QueueList.parse(text)

        weighed = queues.weights_of(queues.resolve(KNOWN))

        assert {name: weighed[name] for name in weights} == weights
        assert set(weighed) == (set(queues.resolve(KNOWN)) if weights else set())

    def test_weights_leave_the_order_as_it_is(self) -> None:
        queues = QueueList.parse("admin:1,mail:5,!mail_bulk")

        assert queues.resolve(KNOWN) == ("admin", "mail")
        assert queues.fixed
        assert not QueueList.parse("mail*:5").fixed

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("mail:5, admin:1", "mail:5,admin:1"),
            ("mail*:5,admin,!mail_bulk", "mail*:5,admin:1,!mail_bulk"),
        ],
    )
    def test_weights_are_shown_as_they_were_given(self, text: str, shown: str) -> None:
        assert str(QueueList.parse(text)) == shown

    @pytest.mark.parametrize("weight", ["", "0", "-1", "1.5", "x", "٣", "5:3", " 5"])
    def test_a_weight_that_is_none_is_refused(self, weight: str) -> None:
        message = f"-q: expected a weight of 1 or more behind mail:, got {weight!r}"

        with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
            QueueList.parse(f"admin,mail:{weight},other")

    def test_an_excluded_queue_has_no_weight(self) -> None:
        message = "-q: expected no weight behind an excluded queue, got '!mail:5'"

        with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
            QueueList.parse("*:2,!mail:5")


class TestNames:
    @pytest.mark.parametrize("name", ["mail", "a.b-c_d/e", "büro", "1"])
    def test_most_names_can_be_that_of_a_queue(self, name: str) -> None:
        assert checked_queue(name) == name

    @pytest.mark.parametrize("name", ["", "a b", "a{b}", "a*", "a,b", "a:b", "a\n", "!a", None, 7])
    def test_some_names_cannot_be_that_of_a_queue(self, name: object) -> None:
        message = (
            f"queue: expected a name without spaces and without any of {{}}*?[]!,: got {name!r}"
        )

        with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
            checked_queue(name)


class TestKeys:
    def test_all_keys_of_a_queue_are_in_one_slot(self) -> None:
        keys = Keys("shop").queue("mail")

        assert keys[0] == "shop:{mail}:queued"
        assert keys[-1] == f"shop:{{mail}}:{QUEUE_PARTS[-1]}"
        assert all(key.startswith("shop:{mail}:") for key in keys)
        assert Keys("shop").part("mail", "status", "a1") == "shop:{mail}:status:a1"

    def test_keys_of_no_queue_are_in_slots_of_their_own(self) -> None:
        keys = Keys()

        assert keys.queues() == "buoy:queues"
        assert keys.workers() == "buoy:workers"
        assert keys.worker("w1") == "buoy:worker:w1"


class TestWorkersOfAQueue:
    @pytest.mark.parametrize(
        ("queues", "serves"),
        [
            ("mail", True),
            ("m*,!mail_bulk", True),
            ("*,!mail", False),
            ("orders", False),
            ("!", False),
        ],
    )
    def test_a_worker_tells_whether_it_serves_a_queue(self, queues: str, serves: bool) -> None:
        fields = {"queues": queues, "state": "running"}

        assert worker_view("w", fields, 0.0, []).serves("mail") is serves
