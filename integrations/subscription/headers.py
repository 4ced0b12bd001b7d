"""Headers of a subscription: how apps learn its name, its end and when to ask again.

Values go through apps that read bytes as Latin-1, so whatever people wrote is in Base64 there.
"""

import re
from base64 import b64encode
from typing import Final
from urllib.parse import quote

from integrations.subscription.clients import Form
from integrations.subscription.content import Subscription
from integrations.subscription.web import PAGE_POLICY

#: Hours between two looks of a client app at its subscription address.
UPDATE_HOURS: Final = 12

#: Apps cut a longer announcement.
_ANNOUNCE_CHARACTERS: Final = 200

#: An address with a secret in it belongs into no cache, no index and no referrer.
_PRIVATE: Final = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex, nofollow",
}


def headers_for(subscription: Subscription, form: Form) -> dict[str, str]:
    """The headers of an answer in this form, but its content type."""
    if form is Form.PAGE:
        return {**_PRIVATE, "content-security-policy": PAGE_POLICY}
    end = 0 if subscription.expires_at is None else int(subscription.expires_at.timestamp())
    traffic = subscription.traffic
    headers = {
        **_PRIVATE,
        "profile-title": _base64(subscription.title),
        "profile-update-interval": str(UPDATE_HOURS),
        "profile-web-page-url": subscription.address,
        "subscription-userinfo": (
            f"upload={traffic.upload}; download={traffic.download}; total={traffic.limit}; expire={end}"
        ),
        "content-disposition": _file_name(subscription.title),
    }
    if subscription.support_url:
        headers["support-url"] = subscription.support_url
    if subscription.notice:
        headers["announce"] = _base64(subscription.notice[:_ANNOUNCE_CHARACTERS])
        if subscription.bot_url:
            headers["announce-url"] = subscription.bot_url
    return headers


def _base64(text: str) -> str:
    return f"base64:{b64encode(text.encode()).decode()}"


def _file_name(title: str) -> str:
    """RFC 6266: a name for apps that know only ASCII, and the real one for the others."""
    plain = re.sub(r"[^A-Za-z0-9 ._-]+", "", title).strip() or "subscription"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(title, safe='')}"
