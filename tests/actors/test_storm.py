"""A storm of alerts is folded: one message a minute, whatever there is, and what flaps is one line."""

from actors.storm import QUIET_SECONDS, Storm
from domain.messages import AlertLine
from runtime import Alert

TOKEN = "7000000001:AAE-a-token-of-a-bot-that-is-secret"


def begun(number: int, text: str = "it burns") -> Alert:
    return Alert(f"actor {number}", "fire", text, lasts=True)


def over(number: int) -> Alert:
    return Alert(f"actor {number}", "fire", "it burns", lasts=True, over=True)


def test_the_first_is_told_at_once_and_what_follows_within_a_minute_is_one_message() -> None:
    storm = Storm()
    assert not storm.is_due(0)
    storm.add(begun(1))
    assert storm.is_due(0)
    assert storm.notice(None).lines == [AlertLine(actor="actor 1", what="it burns")]
    storm.told(0)
    for number in range(2, 100):
        storm.add(begun(number))
        assert not storm.is_due(QUIET_SECONDS - 1)
    assert storm.is_due(QUIET_SECONDS)
    notice = storm.notice(4)
    assert (len(notice.lines), notice.more, notice.thread) == (10, 88, 4)
    storm.told(QUIET_SECONDS)
    assert not storm.is_due(10 * QUIET_SECONDS), "nothing is told twice"


def test_what_comes_and_goes_is_one_line_and_what_still_lasts_comes_first() -> None:
    storm = Storm()
    for _ in range(3):
        storm.add(begun(1))
        storm.add(over(1))
    storm.add(begun(2))
    assert storm.notice(None).lines == [
        AlertLine(actor="actor 2", what="it burns"),
        AlertLine(actor="actor 1", what="it burns", over=True, times=3),
    ]
    assert storm.lasting == {("actor 2", "fire")}


def test_no_secret_and_no_novel_is_told() -> None:
    storm = Storm()
    storm.add(begun(1, f"bot{TOKEN} does not answer" + "x" * 1000))
    [line] = storm.notice(None).lines
    assert line.what.startswith("bot[token] does not answer")
    assert len(line.what) == 300
