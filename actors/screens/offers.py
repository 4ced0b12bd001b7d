"""What costs less or nothing: trials, promo codes, gifts, and inviting somebody."""

from markupsafe import Markup

from actors.screens.page import Page, Told, menu, on_its_way, paragraphs, to_menu
from actors.screens.shop import link_to_bot
from domain.messages import (
    AskForCode,
    CodeRefused,
    GiftList,
    GiftReady,
    GiftRedeemed,
    GiftTaken,
    Invitation,
    PromoChosen,
    PromoRedeemed,
    RewardEarned,
    TrialStarted,
    TrialUnavailable,
)
from integrations.telegram.outgoing import Button, Buttons

Message = (
    AskForCode
    | CodeRefused
    | GiftList
    | GiftReady
    | GiftRedeemed
    | GiftTaken
    | Invitation
    | PromoChosen
    | PromoRedeemed
    | RewardEarned
    | TrialStarted
    | TrialUnavailable
)


def told(message: Message, page: Page) -> Told:
    """The text and the buttons of a message."""
    words = page.words
    plans = (Button(words.plain("button-plans"), data="show:plans"),)
    match message:
        case TrialStarted(title=title, expires_at=until, connecting=True, delayed=delayed):
            return on_its_way(page, words("trial-connecting", title=title, until=until), delayed), ()
        case TrialStarted(title=title, expires_at=until):
            return words("trial-connected", title=title, until=until), ()
        case TrialUnavailable():
            return words("trial-unavailable"), (plans, to_menu(page))
        case AskForCode():
            return words("ask-for-code"), (to_menu(page),)
        case CodeRefused(code=code, reason=reason):
            return words("code-refused", code=code, reason=reason), (plans, to_menu(page))
        case PromoChosen(code=code, percent=int(percent)):
            return words("promo-percent", code=code, percent=percent), (plans,)
        case PromoChosen(code=code, amount=amount):
            assert amount is not None, "a code takes off a percentage or an amount"
            return words("promo-amount", code=code, amount=amount), (plans,)
        case PromoRedeemed(code=code, days=int(days), expires_at=until):
            assert until is not None, "days of access end some time"
            return words("promo-days", code=code, days=days, until=until), menu(page)
        case PromoRedeemed(code=code, credit=credit):
            assert credit is not None, "a code gives money or days"
            return words("promo-credit", code=code, credit=credit), menu(page)
        case GiftList():
            return words("gifts"), _gifts(page)
        case GiftReady(title=title, price=price, code=code):
            link = link_to_bot(page.shop, f"gift_{code}")
            text = words("gift-ready", title=title, price=price, code=code)
            return (text if link is None else paragraphs(text, words("gift-link", link=link))), menu(page)
        case GiftRedeemed(title=title, expires_at=until, connecting=True, delayed=delayed):
            return on_its_way(page, words("gift-connecting", title=title, until=until), delayed), ()
        case GiftRedeemed(title=title, expires_at=until):
            return words("gift-connected", title=title, until=until), ()
        case GiftTaken(title=title):
            return words("gift-taken", title=title), menu(page)
        case Invitation():
            return _invitation(message, page)
        case RewardEarned():
            return _reward(message, page)


def _gifts(page: Page) -> Buttons:
    rows = []
    for plan in page.shop.catalogue.plans.values():
        text = page.words.plain("button-gift", title=page.title(plan.title), price=plan.price)
        rows.append((Button(text, data=f"show:pay:gift:{plan.id}"),))
    return (*rows, to_menu(page))


def _invitation(message: Invitation, page: Page) -> Told:
    """The invitation link, and what each level earns."""
    words = page.words
    link = link_to_bot(page.shop, f"ref_{message.code}")
    lines = [
        words("invitation-percent", level=level, percent=percent)
        if percent
        else words("invitation-days", level=level, days=days)
        for level, (percent, days) in enumerate(zip(message.percents, message.days, strict=True), 1)
        if percent or days
    ]
    address = (
        words("invitation-code", code=message.code) if link is None else words("invitation-link", link=link)
    )
    earned = Markup("\n").join((words("invitation"), *lines))
    return paragraphs(earned, address), (to_menu(page),)


def _reward(message: RewardEarned, page: Page) -> Told:
    words = page.words
    own = "own" if message.level == 0 else "invited"
    if message.credit is not None:
        return words("reward-credit", whose=own, credit=message.credit), menu(page)
    assert message.days is not None, "a reward is money or days"
    return words("reward-days", whose=own, days=message.days), menu(page)
