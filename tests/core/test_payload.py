import json
import re
from typing import Any

import pytest

from buoy.errors import CorruptPayload
from buoy.model.payload import OTHER, Payload, class_in, corrupt_envelope, read_corrupt_envelope


def payload(**fields: Any) -> Payload:
    return Payload("shop.Charge", [42], {}, "a1", **fields)


class TestEncoded:
    def test_class_and_args_come_first_and_defaults_are_left_out(self) -> None:
        text = payload(enqueued_at=12.5).encoded()

        assert text == '{"class":"shop.Charge","args":[42],"id":"a1","enqueued_at":12.5}'

    def test_everything_that_is_set_travels(self) -> None:
        text = Payload(
            "shop.Charge",
            [42, "é"],
            {"x": [1]},
            "a1",
            identifier="cart-42",
            enqueued_at=12.5,
            expires_at=13.5,
            attempt=2,
            plugins={"retry": {"left": 3}},
            claims=[["k", "finished"]],
            failure={"error": "KeyError"},
            extra={"trace": "t"},
        ).encoded()

        assert text == (
            '{"class":"shop.Charge","args":[42,"é"],"kwargs":{"x":[1]},"id":"a1",'
            '"identifier":"cart-42","enqueued_at":12.5,"expires_at":13.5,"attempt":2,'
            '"plugins":{"retry":{"left":3}},"claims":[["k","finished"]],'
            '"failure":{"error":"KeyError"},"trace":"t"}'
        )

    def test_a_payload_comes_back_as_it_was(self) -> None:
        whole = Payload(
            "J", [1, "é", None], {"x": {}}, "a1", "me", 1.5, 2.5, 3, {"p": {}}, [["k", "started"]]
        )
        whole.failure, whole.extra = {"error": "E"}, {"other": [1]}

        assert Payload.decoded(whole.encoded()) == whole

    def test_fields_of_other_versions_are_kept(self) -> None:
        text = '{"class":"J","args":[],"id":"a1","enqueued_at":0.0,"priority":{"of":[1]}}'

        assert Payload.decoded(text).encoded() == text


class TestDecoded:
    def test_class_and_id_are_enough(self) -> None:
        assert Payload.decoded('{"class":"J","id":"a1"}') == Payload("J", [], {}, "a1")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "a JSON object, got '' (Expecting value: line 1 column 1 (char 0))"),
            ("{", "a JSON object, got '{' (Expecting property name enclosed in double quotes: "
             "line 1 column 2 (char 1))"),
            ("[1]", "a JSON object, got '[1]'"),
            ("{}", "'class' to be str, got None"),
            ('{"class":1}', "'class' to be str, got 1"),
            ('{"class":"J"}', "'id' to be str, got None"),
            ('{"class":"J","id":"a","args":{}}', "'args' to be list, got {}"),
            ('{"class":"J","id":"a","kwargs":[]}', "'kwargs' to be dict, got []"),
            ('{"class":"J","id":"a","enqueued_at":"x"}', "'enqueued_at' to be float, got 'x'"),
            ('{"class":"J","id":"a","attempt":true}', "'attempt' to be int, got True"),
            ('{"class":"J","id":"a","attempt":1.5}', "'attempt' to be int, got 1.5"),
            ('{"class":"J","id":"a","expires_at":"x"}', "'expires_at' to be float, got 'x'"),
            ('{"class":"J","id":"a","identifier":7}', "'identifier' to be str, got 7"),
            ('{"class":"J","id":"a","plugins":[]}', "'plugins' to be dict, got []"),
            ('{"class":"J","id":"a","claims":{}}', "'claims' to be list, got {}"),
            ('{"class":"J","id":"a","failure":"x"}', "'failure' to be dict, got 'x'"),
        ],
    )  # fmt: skip
    def test_what_is_no_payload_is_refused(self, text: str, message: str) -> None:
        with pytest.raises(CorruptPayload, match=f"^{re.escape(f'payload: expected {message}')}$"):
            Payload.decoded(text)

    @pytest.mark.parametrize(
        "claim",
        [
            "5",
            '"ab"',
            '["a"]',
            '["a","b"]',
            '["a","started","x"]',
            '[1,"started"]',
            '["a\\n","latest"]',
        ],
    )
    def test_a_claim_is_a_pair(self, claim: str) -> None:
        text = f'{{"class":"J","id":"a","claims":[["k","finished"],{claim}]}}'

        with pytest.raises(CorruptPayload) as raised:
            Payload.decoded(text)

        assert str(raised.value) == (
            "payload: expected 'claims' to be pairs of a claim and started, finished, latest or "
            f"ended, got {json.loads(claim)!r}"
        )

    @pytest.mark.parametrize("junk", ["}", " junk}", "{}", ' {"class":"K","id":"b"}', "\n}"])
    def test_text_behind_a_payload_must_be_blank(self, junk: str) -> None:
        text = '{"class":"J","id":"a"}'

        with pytest.raises(CorruptPayload, match=r"^payload: expected a JSON object, got "):
            Payload.decoded(text + junk)
        assert Payload.decoded(f" {text}\n").id == "a"

    @pytest.mark.parametrize(
        "value",
        [
            "NaN",
            "-Infinity",
            "1e999",
            '"\\ud800"',
            '{"\\udfff":1}',
            "[" * 100_000,
            "9" * 5000,
            '"\udcff"',
        ],
    )
    def test_what_could_not_be_written_again_is_refused(self, value: str) -> None:
        text = f'{{"class":"J","id":"a","args":[{value}]}}'

        with pytest.raises(CorruptPayload, match=r"^payload: expected a JSON object, got '"):
            Payload.decoded(text)

    def test_an_error_shows_a_bounded_part_of_a_payload(self) -> None:
        with pytest.raises(CorruptPayload) as raised:
            Payload.decoded("x" * 10**6)
        assert len(str(raised.value)) < 200

        with pytest.raises(CorruptPayload) as raised:
            Payload.decoded(json.dumps({"class": ["x" * 10**6]}))
        assert len(str(raised.value)) < 200


class TestArguments:
    def test_a_run_may_change_its_arguments(self) -> None:
        kept = Payload("J", [[1], 2], {"x": {"y": 1}}, "a1")

        args, kwargs = kept.arguments()
        args[0].append(3)
        kwargs["x"].clear()

        assert kept.args == [[1], 2]
        assert kept.kwargs == {"x": {"y": 1}}


class TestShelf:
    @pytest.mark.parametrize("raw", ["", "{", '{"class":1}', "\udcff", '{"raw":"x"}'])
    def test_a_text_that_is_no_payload_is_kept_whole(self, raw: str) -> None:
        shelf = corrupt_envelope(raw, {"error": "E"})

        assert read_corrupt_envelope(shelf) == (raw, {"error": "E"})
        with pytest.raises(CorruptPayload):
            Payload.decoded(shelf)

    @pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, '{"raw":"x"}', '{"raw":1}'])
    def test_a_text_that_is_no_shelf_is_returned_as_it_is(self, text: str) -> None:
        assert read_corrupt_envelope(text) == (text, None)


def test_the_identifier_is_that_of_the_class_or_of_the_arguments() -> None:
    assert payload(identifier="mine").identified() == "mine"
    assert payload().identified() == payload(attempt=2).identified()
    assert payload().identified() != Payload("shop.Charge", [43], {}, "a1").identified()


@pytest.mark.parametrize(
    "name", ["shop.Charge", "é", 'a "b"', "back\\slash", "tab\t", "{", "x" * 500]
)
def test_the_class_can_be_read_alone(name: str) -> None:
    written = Payload(name, [{"class": "another"}], {}, "a1").encoded()

    assert class_in(written) == name
    assert class_in(json.dumps({"id": "a1", "class": name}, indent=1)) == name


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"class":"', '{"class":"x', '{"class":7}', '{"class":"","id":"a"}']
)
def test_the_class_of_a_corrupt_payload_is_another_one(text: str) -> None:
    assert class_in(text) == OTHER
