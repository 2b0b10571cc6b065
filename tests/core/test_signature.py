import re
from typing import Any

import pytest

from buoy.errors import InvalidArguments
from buoy.model.signature import Signature, signature_of


class Plain:
    def perform(self, a: int, b: str = "", *, c: bool = False) -> None: ...


class Endless:
    def perform(self, a: int, *rest: int, **options: int) -> None: ...


class PositionalOnly:
    def perform(self, a: int, /, b: int) -> None: ...


class Needing:
    def perform(self, *, c: int) -> None: ...


class Static:
    @staticmethod
    def perform(a: int, b: int = 0) -> None: ...


class OfClass:
    @classmethod
    def perform(cls, a: int, b: int = 0) -> None: ...


class Anything:
    def perform(self, *args: Any, **kwargs: Any) -> None: ...


def call(job: type, *args: Any, **kwargs: Any) -> tuple[list[Any], dict[str, Any]]:
    return signature_of(job).normalize("Charge", args, kwargs)


class TestSpelling:
    @pytest.mark.parametrize(
        ("job", "args", "kwargs", "kept"),
        [
            (Plain, (1,), {}, ([1], {})),
            (Plain, (), {"a": 1}, ([1], {})),
            (Plain, (), {"b": "x", "a": 1}, ([1, "x"], {})),
            (Plain, (1,), {"b": "x"}, ([1, "x"], {})),
            (Plain, (1, "x"), {}, ([1, "x"], {})),
            (Plain, (), {"c": True, "a": 1}, ([1], {"c": True})),
            (Endless, (1, 2, 3), {"x": 4}, ([1, 2, 3], {"x": 4})),
            (Endless, (), {"a": 1, "x": 4}, ([1], {"x": 4})),
            (PositionalOnly, (1,), {"b": 2}, ([1, 2], {})),
            (Needing, (), {"c": 1}, ([], {"c": 1})),
            (Static, (), {"a": 1, "b": 2}, ([1, 2], {})),
            (OfClass, (), {"a": 1, "b": 2}, ([1, 2], {})),
        ],
    )
    def test_what_can_be_positional_is_kept_so(
        self, job: type, args: Any, kwargs: Any, kept: Any
    ) -> None:
        assert call(job, *args, **kwargs) == kept

    def test_a_gap_ends_the_positional_arguments(self) -> None:
        class Job:
            def perform(self, a: int = 0, b: int = 0, c: int = 0) -> None: ...

        assert call(Job, 1, c=3) == ([1], {"c": 3})


class TestBinding:
    @pytest.mark.parametrize(
        ("job", "args", "kwargs", "message"),
        [
            (
                Plain,
                (),
                {},
                "perform(a: int, b: str = '', *, c: bool = False) -> None, "
                "but missing a required argument: 'a'",
            ),
            (
                Plain,
                (1, "x", True),
                {},
                "perform(a: int, b: str = '', *, c: bool = False) -> None, "
                "but too many positional arguments",
            ),
            (
                Plain,
                (1,),
                {"a": 2},
                "perform(a: int, b: str = '', *, c: bool = False) -> None, "
                "but multiple values for argument 'a'",
            ),
            (
                Plain,
                (1,),
                {"d": 2},
                "perform(a: int, b: str = '', *, c: bool = False) -> None, "
                "but got an unexpected keyword argument 'd'",
            ),
            (
                Needing,
                (),
                {},
                "perform(*, c: int) -> None, but missing a required argument: 'c'",
            ),
            (
                Static,
                (1, 2, 3),
                {},
                "perform(a: int, b: int = 0) -> None, but too many positional arguments",
            ),
        ],
    )
    def test_a_call_that_perform_cannot_take_is_refused(
        self, job: type, args: Any, kwargs: Any, message: str
    ) -> None:
        message = f"Charge: expected arguments for {message}"

        with pytest.raises(InvalidArguments) as raised:
            call(job, *args, **kwargs)

        # Python says so from 3.13 on.
        assert str(raised.value).replace("required keyword-only", "required") == message

    def test_invalid_arguments_are_a_type_error(self) -> None:
        with pytest.raises(TypeError):
            call(Plain)


class Text(str):
    __slots__ = ()


class Number(int):
    pass


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


def nested_dicts(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"": value}
    return value


def circle() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


PLAIN = "expected str, int, float, bool, None, list or dict"
WAY_OUT = (
    "; declare its type in perform, for which buoy may have a codec (docs/arguments.md), or pass "
    "what JSON holds, such as an id"
)
UTF8 = "expected text that UTF-8 can hold"
BELOW = '[""]'
DEEP = {each: f"argument 1, {each * 100}"[:100] + "…" for each in ("[0]", BELOW)}
LEVELS = "expected at most 100 levels of lists and dicts, got more"


class TestValues:
    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ((1, 2), f"argument 1: {PLAIN}, got tuple"),
            (b"x", f"argument 1: {PLAIN}, got bytes"),
            ({1}, f"argument 1: {PLAIN}, got set"),
            (object(), f"argument 1: {PLAIN}, got object"),
            (Text("x"), f"argument 1: {PLAIN}, got Text"),
            (Number(1), f"argument 1: {PLAIN}, got Number"),
            (float("nan"), "argument 1: expected a finite number, got nan"),
            (float("inf"), "argument 1: expected a finite number, got inf"),
            (float("-inf"), "argument 1: expected a finite number, got -inf"),
            ("\ud800x", f"argument 1: {UTF8}, got '\\ud800x'"),
            (10**4000, "argument 1: expected an int of at most 4000 digits, got a longer one"),
            (-(10**4000), "argument 1: expected an int of at most 4000 digits, got a longer one"),
            ([1, [2, (3,)]], f"argument 1, [1][1]: {PLAIN}, got tuple"),
            ({"a": [{"b": 1j}]}, f'argument 1, ["a"][0]["b"]: {PLAIN}, got complex'),
            ({"a": {1: 2}}, 'argument 1, ["a"]: expected str as keys, got int 1'),
            ({None: 2}, "argument 1: expected str as keys, got NoneType None"),
            ({"\udfff": 2}, f"argument 1: {UTF8}, got '\\udfff'"),
            (nested(101), f"{DEEP['[0]']}: {LEVELS}"),
            (nested_dicts(101), f"{DEEP[BELOW]}: {LEVELS}"),
            (circle(), f"{DEEP['[0]']}: {LEVELS}"),
            ({"k" * 10**6: {1}}, f'argument 1, ["{"k" * 86}…: {PLAIN}, got set'),
            ({10**5000: 2}, "argument 1: expected str as keys, got int a value of type int"),
        ],
    )
    def test_what_json_would_refuse_or_change_is_refused_with_its_path(
        self, value: Any, message: str
    ) -> None:
        told = f"Charge: {message}{WAY_OUT if PLAIN in message else ''}"
        with pytest.raises(InvalidArguments, match=f"^{re.escape(told)}$"):
            call(Anything, value)

    def test_the_path_begins_with_the_argument(self) -> None:
        with pytest.raises(InvalidArguments, match=r"^Charge: argument 2: expected str, int, "):
            call(Anything, 1, {2})
        with pytest.raises(InvalidArguments, match=r'^Charge: argument "x", \[0\]: expected a fin'):
            call(Anything, x=[float("nan")])

    def test_the_name_of_an_argument_must_be_text_too(self) -> None:
        message = re.escape(f"Charge: the name of an argument: {UTF8}, got '\\ud800'")

        with pytest.raises(InvalidArguments, match=f"^{message}$"):
            call(Anything, **{"\ud800": 1})

    @pytest.mark.parametrize(
        "value",
        [
            None,
            True,
            0,
            -1,
            10**4000 - 1,
            2**64,
            1.5,
            -0.0,
            "",
            "é\x00\u2028😀",
            [],
            {},
            {"": [{"é": [None, False]}]},
            nested(100),
            nested_dicts(100),
            [nested_dicts(99)],
        ],
    )
    def test_what_comes_back_from_json_as_it_is_is_taken(self, value: Any) -> None:
        assert call(Anything, value, key=value) == ([value], {"key": value})


def test_the_signature_is_read_once() -> None:
    signature = signature_of(Plain)

    assert isinstance(signature, Signature)
    assert (signature.names, signature.min_args, signature.max_args) == (("a", "b"), 1, 2)
