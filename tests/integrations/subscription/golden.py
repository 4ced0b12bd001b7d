"""The golden files: each form of each sample. `python -m tests.integrations.subscription.golden` writes them anew."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from integrations.subscription import Form, Subscription, headers_for, render
from tests.integrations.subscription.samples import ACTIVE, EXPIRED, EXPIRED_WORDS, NOBODY, WORDS

FOLDER: Final = Path(__file__).parent / "golden"
STATES: Final = {"active": (ACTIVE, WORDS), "expired": (EXPIRED, EXPIRED_WORDS)}

_ENDINGS: Final = {
    Form.LINKS: "txt",
    Form.XRAY: "json",
    Form.SING_BOX: "json",
    Form.MIHOMO: "yaml",
    Form.PAGE: "html",
}


def file_of(form: Form, state: str) -> Path:
    """Where the body of a form lies."""
    return FOLDER / f"{form}-{state}.{_ENDINGS[form]}"


def body(form: Form, state: str) -> str:
    """What is written now, with a line break at its end, as text files have."""
    subscription, words = STATES[state]
    return render(subscription, form, words, NOBODY).text.rstrip("\n") + "\n"


def headers(form: Form, subscription: Subscription) -> str:
    """The headers of a form, one a line."""
    return "".join(f"{name}: {value}\n" for name, value in headers_for(subscription, form).items())


def current() -> Iterator[tuple[Path, str]]:
    """Every golden file with what it should say."""
    for state, (subscription, _) in STATES.items():
        for form in Form:
            yield file_of(form, state), body(form, state)
        yield FOLDER / f"headers-app-{state}.txt", headers(Form.LINKS, subscription)
        yield FOLDER / f"headers-page-{state}.txt", headers(Form.PAGE, subscription)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path, text in current():
        path.write_text(text, encoding="utf-8")
