"""One message of each kind about broadcasts, in every state that their panel shows."""

from html import escape

from domain import messages
from domain.entities import BroadcastAction, BroadcastAudience, BroadcastState
from domain.messages import AnyMessage

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
    ]
