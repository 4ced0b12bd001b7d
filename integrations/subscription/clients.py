"""Which form a client app reads, by what it says of itself.

Apps send a User-Agent and ask for nothing in particular; the rules are those that panels have converged on. Whoever is
not known gets the links, which every app reads. An address may also name the form at its end.
"""

import re
from enum import StrEnum
from typing import Final


class Form(StrEnum):
    """A form of the subscription; the value is its name in an address."""

    LINKS = "links"
    XRAY = "xray"
    SING_BOX = "sing-box"
    MIHOMO = "mihomo"
    PAGE = "page"


_RULES: Final = (
    (
        Form.MIHOMO,
        re.compile(r"flclash|flowvy|murge|mihomo|prizrak-box|koala-clash|clash|stash", re.IGNORECASE),
    ),
    (Form.SING_BOX, re.compile(r"sf[aimt]\b|karing|sing-?box|rabbithole", re.IGNORECASE)),
    (Form.XRAY, re.compile(r"xray|io\.github\.saeeddev94\.xray", re.IGNORECASE)),
)

_BROWSER: Final = "mozilla/"


def form_for(user_agent: str, accept: str) -> Form:
    """The form for a request with these two headers."""
    agent = user_agent.strip()
    for form, pattern in _RULES:
        if pattern.match(agent):
            return form
    if agent.lower().startswith(_BROWSER) and "text/html" in accept.lower():
        return Form.PAGE
    return Form.LINKS
