"""Converting HTML to the text part of a mail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buoy_mailer.html_to_text import html_to_text

PAGE = """
<!doctype html>
<html><head><title>no</title><style>p { color: red }</style></head>
<body>
  <h1>Welcome,
      Ann &amp; Bob!</h1>
  <p>Your <b>order</b>&nbsp;is on its <a href="https://shop.example/42">way</a>.<br>
  Questions? <a href="mailto:help@shop.example">help@shop.example</a></p>
  <ul><li>a book</li> <li>two   pens</li></ul>
  <table><tr><td>Sum</td><td>12 €</td></tr><tr><td>Tax</td><td>2 €</td></tr></table>
  <pre>  kept
    as it is</pre>
  <script>alert("no")</script>
  <div>Bye<div>Shop <img src="x.png" alt="logo"></div></div>
</body></html>
"""


def test_a_typical_page_is_readable_as_text() -> None:
    assert html_to_text(PAGE) == (
        "Welcome, Ann & Bob!\n\n"
        "Your order\xa0is on its way (https://shop.example/42).\n"
        "Questions? help@shop.example\n\n"
        "- a book\n- two pens\n\n"
        "Sum 12 €\nTax 2 €\n\n"
        "  kept\n    as it is\n\n"
        "Bye\nShop logo\n"
    )


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", "\n"),
        ("just words", "just words\n"),
        ("a < b", "a < b\n"),
        ("<p>one<p>two", "one\n\ntwo\n"),
        ("<a href='#top'>up</a>", "up\n"),
        ("<a href='https://x.y'>https://x.y</a>", "https://x.y\n"),
        ("<a href='https://x.y'><img src=z></a>", "https://x.y\n"),
        ("</a></p></pre></script>left", "left\n"),
        ("<style>x", "\n"),
        ("<a href>x</a>", "x\n"),
    ],
)
def test_unusual_html_is_readable_as_text(html: str, text: str) -> None:
    assert html_to_text(html) == text


@given(st.text(st.sampled_from("<>/abpreliimgscript \n=\"'&;-!"), max_size=200))
def test_any_html_is_converted(html: str) -> None:
    assert html_to_text(html).endswith("\n")
