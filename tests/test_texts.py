import pytest

from pat_platform.errors import Refused
from pat_platform.texts import plain


@pytest.mark.parametrize("text", ["Anjali", "অঞ্জলি", "र\u094d\u200dय", "O'Brien-Das", "👩‍⚕️ seen"])
def test_what_people_write_is_kept(text: str) -> None:
    assert plain(f"  {text} ", limit=100, field="x") == text


@pytest.mark.parametrize("text", ["a\0b", "a\x1bb", "a\u202eb", "a\ud800b", "a\nb", "a\tb"])
def test_what_cannot_be_seen_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        plain(text, limit=100, field="alias")
    assert (refused.value.code, refused.value.field) == ("TEXT_INVALID", "alias")


def test_a_note_may_have_lines() -> None:
    assert plain("one\n\ttwo", limit=100, field="text", lines=True) == "one\n\ttwo"


def test_a_text_has_an_end() -> None:
    assert plain("x" * 100, limit=100, field="x")
    with pytest.raises(Refused) as refused:
        plain("x" * 101, limit=100, field="x")
    assert refused.value.code == "TEXT_TOO_LONG"
