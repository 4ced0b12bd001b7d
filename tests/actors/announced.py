"""One message of each kind about broadcasts, in every state that their panel shows."""

from datetime import date
from html import escape
from typing import Any

from domain import messages
from domain.entities import BroadcastAction, BroadcastAudience, BroadcastState, PaymentOutcome
from domain.messages import AnyMessage
from domain.money import Money

_BUTTONS = [("News", "https://vpn.example")]


def panel(
    state: str, action: str = "send", audience: str = "everyone", plan: str | None = None
) -> messages.BroadcastPanel:
    return messages.BroadcastPanel(
        broadcast_id=10**18,
        state=state,
        action=action,
        audience=audience,
        plan=plan,
        reads=plan and "ru",
        node=plan and "one",
        reach=5,
        sent=1,
        blocked=1,
        failed=1,
        changed=1,
        unchanged=0,
    )


def broadcasts(title: str) -> list[AnyMessage]:
    """Everything that speaks of a broadcast whose text holds a title."""
    html = f"News: {escape(title)}"
    return [
        messages.Announcement(html=html, buttons=_BUTTONS),
        messages.AnnouncementPreview(html=html, photo="AgAC", buttons=_BUTTONS),
        messages.AnnouncementEdited(html=html, replaces=1),
        messages.AnnouncementEdited(html=html, photo="AgAC", replaces=1),
        messages.AnnouncementGone(replaces=1),
        *[panel(state) for state in BroadcastState],
        *[panel("running", action) for action in BroadcastAction],
        *[panel("draft", audience=audience) for audience in BroadcastAudience],
        panel("done", "edit", "active", "month"),
        messages.BroadcastHelp(),
        messages.OrderRefused(why=title),
        messages.PaymentsOff(),
        messages.PaymentsOff(replaces=1),
        messages.SignUpsOff(),
        messages.SwitchPanel(),
        messages.SwitchPanel(off=["payments", "auto_renewal", title]),
        *notices(title),
    ]


def notices(title: str) -> list[AnyMessage]:
    """Everything that administrators are told without having asked."""
    money, stars = Money(19900, "RUB"), Money(150, "XTR")
    lines = [
        messages.MoneyLine(amount=money, provider=provider, item=title, user_id=1001)
        for provider in ("stars", "cryptopay", "cards", "balance")
    ]
    lines += [
        messages.MoneyLine(amount=money, provider="stars", outcome=outcome)
        for outcome in PaymentOutcome
        if outcome is not PaymentOutcome.ACCEPTED
    ]
    lines.append(messages.MoneyLine(amount=stars, provider="stars", refund=True))
    counts = {"came": 5, "trials": 1, "first": 2, "renewed": 1, "ended": 1, "active": 100}
    day: dict[str, Any] = {"day": date(2026, 11, 24), "revenue": [money, stars], "nodes": 2, **counts}
    return [
        messages.MoneyNotice(lines=lines, more=2, sums=[money, stars]),
        messages.AlertsNotice(lines=[messages.AlertLine(actor="7", what=title)], more=3),
        messages.AlertsNotice(lines=[messages.AlertLine(actor="7", what=title, over=True, times=5)]),
        messages.DailyReport(**day, refunded=[], reviews=0),
        messages.DailyReport(**{**day, "revenue": []}, refunded=[money], reviews=1, silent=["1"]),
    ]
