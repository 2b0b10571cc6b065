import pytest

from buoy.model import strict_json
from buoy.model.strict_json import encode, encode_canonical, make_encoder

VALUES = [
    None,
    [True, False, 0, -1, 1.5, 1e22, -0.0],
    ["é", "\x00", "\u2028", "😀", '"', "\\"],
    {"b": {"d": [], "c": {}}, "a": [[1], {"": None}]},
]


class TestEncoders:
    def test_encode_keeps_the_order_of_keys_and_letters_as_they_are(self) -> None:
        assert encode({"b": "é", "a": [1, 2.0, None]}) == '{"b":"é","a":[1,2.0,null]}'

    def test_encode_canonical_sorts_keys_and_escapes_letters(self) -> None:
        assert (
            encode_canonical({"b": "é", "a": [1, 2.0, None]}) == r'{"a":[1,2.0,null],"b":"\u00e9"}'
        )

    @pytest.mark.parametrize("canonical", [False, True])
    def test_without_the_c_encoder_the_text_is_the_same(
        self, canonical: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fast = make_encoder(ascii_only=canonical, sort_keys=canonical)
        monkeypatch.setattr(strict_json, "c_make_encoder", None)
        slow = make_encoder(ascii_only=canonical, sort_keys=canonical)

        assert [slow(value) for value in VALUES] == [fast(value) for value in VALUES]

    def test_encoders_refuse_what_is_not_a_finite_number(self) -> None:
        with pytest.raises(ValueError, match="not JSON compliant"):
            encode([float("nan")])
