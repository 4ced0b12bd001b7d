"""What a subscription says to people: names of entries that tell something, and the words of its page."""

from datetime import datetime

from actors.words import Words
from integrations.subscription import PageWords


def expired(words: Words, bot: str) -> str:
    """The name of the entry that stands where the connections were; `bot` may be empty."""
    return words.plain("entry-expired-renew-in", bot=bot) if bot else words.plain("entry-expired")


def unknown(words: Words, bot: str) -> str:
    """What an address says that nobody has."""
    return words.plain("entry-unknown-ask", bot=bot) if bot else words.plain("entry-unknown")


def page_words(words: Words, active: bool, expires_at: datetime | None) -> PageWords:
    """The words of the page; the moment is None where there is no subscription."""
    status = ""
    if expires_at is not None and active:
        status = words.plain("page-active", until=expires_at)
    elif expires_at is not None:
        status = words.plain("page-ended", at=expires_at)
    return PageWords(
        language=words.language,
        status=status,
        connect=words.plain("page-connect"),
        connect_how=words.plain("page-connect-how"),
        get=words.plain("page-get"),
        add=words.plain("page-add"),
        other_devices=words.plain("page-other-devices"),
        another_device=words.plain("page-another-device"),
        scan=words.plain("page-scan"),
        scan_bot=words.plain("page-scan-bot"),
        copy=words.plain("page-copy"),
        copied=words.plain("page-copied"),
        keys=words.plain("page-keys"),
        keys_how=words.plain("page-keys-how"),
        renew=words.plain("page-renew"),
        support=words.plain("page-support"),
        open_app=words.plain("page-open-app"),
        open_app_how=words.plain("page-open-app-how"),
    )
