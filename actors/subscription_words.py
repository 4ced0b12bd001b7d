"""What a subscription says to people: names of entries that tell something, and the words of its page."""

from datetime import datetime
from typing import Final

from integrations.subscription import PageWords

NO_SERVERS: Final = "No server is set up yet"
OTHER_APP: Final = "Take another app: this one knows none of these servers"


def expired(bot: str) -> str:
    """The name of the entry that stands where the connections were; `bot` may be empty."""
    return f"Expired: renew in {bot or 'the bot'}"


def unknown(bot: str) -> str:
    """What an address says that nobody has."""
    return f"Nothing is at this address: ask {bot or 'the bot'} for yours"


def page_words(active: bool, expires_at: datetime | None) -> PageWords:
    """The words of the page; the moment is None where there is no subscription."""
    status = ""
    if expires_at is not None:
        status = f"{'Active until' if active else 'Ended on'} {expires_at:%-d %B %Y, %H:%M} UTC"
    return PageWords(
        language="en",
        status=status,
        connect="Connect",
        connect_how="Get an app, then add your subscription to it. The app finds new servers by itself.",
        get="Get",
        add="Add",
        other_devices="Other apps and devices",
        another_device="Another device",
        scan="Scan this with a VPN app, or with the camera to open this page there.",
        scan_bot="Scan this to open the bot on your phone.",
        copy="Copy",
        copied="Copied",
        keys="Single keys",
        keys_how="For apps that take no subscription. They do not change by themselves when a server does.",
        renew="Open the bot",
        support="Support",
        open_app="Open",
        open_app_how="If nothing happens, get the app first, then press Open.",
    )
