"""What a subscription says to people: names of entries that tell something, and the words of its page."""

from actors.words import Data, Words
from integrations.subscription import PageWords, Subscription, Traffic


def expired(words: Words, bot: str) -> str:
    """The name of the entry that stands where the connections were; `bot` may be empty."""
    return words.plain("entry-expired-renew-in", bot=bot) if bot else words.plain("entry-expired")


def stopped(words: Words, bot: str) -> str:
    """The same where the traffic is used up and there is time left."""
    return words.plain("entry-stopped-renew-in", bot=bot) if bot else words.plain("entry-stopped")


def unknown(words: Words, bot: str) -> str:
    """What an address says that nobody has."""
    return words.plain("entry-unknown-ask", bot=bot) if bot else words.plain("entry-unknown")


def page_words(words: Words, subscription: Subscription, *, runs: bool) -> PageWords:
    """The words of a subscription's page; `runs` while there is time left."""
    status = traffic = ""
    if subscription.expires_at is not None:
        traffic = _traffic(words, subscription.traffic)
        status = words.plain("page-ended", at=subscription.expires_at)
        if runs:
            status = words.plain("page-active", until=subscription.expires_at)
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
        traffic=traffic,
    )


def _traffic(words: Words, traffic: Traffic) -> str:
    used = Data(traffic.upload + traffic.download)
    if not traffic.limit:
        return words.plain("page-traffic-so-far", used=used)
    return words.plain("page-traffic", used=used, traffic=Data(traffic.limit))
