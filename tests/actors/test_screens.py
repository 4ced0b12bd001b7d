"""What people see: every fact has a screen, whatever is in it, within Telegram's limits."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args
from uuid import UUID

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from actors.screens import Shop, screen
from actors.words import Recipient
from domain import messages
from domain.messages import AnyMessage
from domain.money import Money
from integrations.telegram.outgoing import (
    Button,
    Delete,
    EditCaption,
    EditText,
    Outgoing,
    SendInvoice,
    SendPhoto,
    SendText,
)
from integrations.telegram.sandbox.entities import parse_html, utf16_length
from integrations.xray.node import Node
from tests.actors.announced import broadcasts
from tests.storage.shop import CATALOGUE

RUB = Money(19900, "RUB")
STARS = Money(150, "XTR")
WHEN = datetime(2026, 12, 23, 21, 42, tzinfo=UTC)
ENGLISH = Recipient("en")
TOKEN = "t" * 24

names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=32)
recipients = st.sampled_from([Recipient("en"), Recipient("ru"), Recipient("fa", "Asia/Tehran"), Recipient()])

Written = SendText | EditText | SendPhoto | SendInvoice


MONTH = CATALOGUE.plans["month"]
assert CATALOGUE.trial is not None
TRANSLATED = replace(
    CATALOGUE,
    plans={"month": replace(MONTH, titles={"ru": "1 месяц"})},
    trial=replace(CATALOGUE.trial, titles={"ru": "3 дня"}),
)


def shop(name: str = "Test VPN") -> Shop:
    node = Node(name="one", host="192.0.2.1", port=443, api_socket=Path("one.sock"))
    zones = ("Europe/Moscow", "Asia/Yekaterinburg", "America/New_York")
    return Shop(name, "@help", TRANSLATED, [node], "https://vpn.example", crypto=True, time_zones=zones)


def every_message(title: str) -> list[AnyMessage]:
    uuid = str(UUID(int=1))
    return [
        messages.Home(first_name=title),
        messages.Help(),
        messages.Choices(),
        messages.PlanList(),
        messages.WaysToPay(item="plan:month", balance=RUB),
        messages.WaysToPay(item="top_up:500", balance=RUB),
        messages.WaysToPay(item="plan:gone", balance=RUB),
        messages.TopUpList(balance=RUB),
        messages.Account(balance=RUB),
        messages.Account(balance=RUB, title=title, expires_at=WHEN, uuid=uuid, token=TOKEN),
        messages.Account(balance=RUB, title=title, expires_at=WHEN, active=True, uuid=uuid, token=TOKEN),
        messages.Account(
            balance=RUB, title=title, expires_at=WHEN, active=True, connected=True, uuid=uuid, token=TOKEN
        ),
        messages.StarsInvoice(purchase_id=10**18, title=title, price=Money(150, "XTR")),
        messages.CryptoInvoice(purchase_id=1, title=title, price=RUB, url="https://pay.example/1"),
        messages.ConfirmBalance(purchase_id=10**18, title=title, price=RUB, balance=RUB),
        messages.NotEnough(title=title, missing=RUB),
        messages.NotForSale(),
        messages.ProviderUnavailable(title=title),
        messages.Paid(title=title, price=RUB, expires_at=WHEN, connecting=True),
        messages.Paid(title=title, price=RUB, expires_at=WHEN, connecting=False),
        messages.ToppedUp(credit=RUB, balance=RUB),
        messages.AlreadyPaid(title=title),
        messages.UnderReview(amount=RUB, reason="underpaid"),
        messages.UnderReview(amount=RUB, reason="a reason of a later version"),
        messages.AccessReady(uuid=uuid, token=TOKEN, expires_at=WHEN),
        messages.Expired(title=title),
        messages.Expired(title=title, price=RUB, period=10**18),
        messages.Expired(title=title, grace=True),
        *limits(title),
        messages.AskToReissue(),
        messages.KeyReissued(active=True),
        messages.KeyReissued(active=False, reason=title),
        messages.KeyNotReissued(),
        messages.KeyNotReissued(again_at=WHEN),
        messages.WaysToPay(item="gift:month", balance=RUB),
        messages.WaysToPay(item="plan:month", balance=RUB, price=RUB, stars=STARS, promo="TEN"),
        messages.CardInvoice(purchase_id=1, title=title, price=RUB),
        messages.StarsSubscription(title=title, price=STARS, url="https://t.me/$1"),
        *offers(title),
        *what_comes_after(title),
        *unasked(title),
        *broadcasts(title),
    ]


def limits(title: str) -> list[AnyMessage]:
    account = messages.Account(
        balance=RUB, title=title, expires_at=WHEN, active=True, uuid=str(UUID(int=1)), token=TOKEN
    )
    return [
        structs.replace(account, connected=True, used=10**18, traffic=10**18, devices=1000),
        structs.replace(account, used=1, traffic=1, stopped=True),
        messages.TrafficGiven(traffic=10**9, reason=title),
        *[messages.TooManyDevices(title=title, online=1 + many, devices=many) for many in (1, 3, 1000)],
        messages.TrafficRunsOut(title=title, used=800 * 10**6, traffic=10**9),
        messages.TrafficRunsOut(title=title, used=800, traffic=1000, price=RUB, period=10**18),
        messages.TrafficUsedUp(title=title, traffic=10**12, expires_at=WHEN),
        messages.TrafficUsedUp(title=title, traffic=10**12, expires_at=WHEN, price=RUB, period=1, grace=True),
    ]


def offers(title: str) -> list[AnyMessage]:
    return [
        messages.TrialStarted(title=title, expires_at=WHEN, connecting=True),
        messages.TrialStarted(title=title, expires_at=WHEN, connecting=False),
        messages.TrialUnavailable(),
        messages.AskForCode(),
        *[messages.CodeRefused(code=title, reason=reason) for reason in ("unknown", "used_up", "other_plan")],
        messages.PromoChosen(code=title, percent=10),
        messages.PromoChosen(code=title, amount=RUB),
        messages.PromoRedeemed(code=title, credit=RUB),
        *[messages.PromoRedeemed(code=title, days=days, expires_at=WHEN) for days in (1, 2, 5)],
        messages.GiftList(),
        messages.GiftReady(title=title, price=RUB, code="c" * 20),
        messages.GiftRedeemed(title=title, expires_at=WHEN, connecting=True),
        messages.GiftRedeemed(title=title, expires_at=WHEN, connecting=False),
        messages.GiftTaken(title=title),
        messages.Invitation(code="c" * 12, percents=[10, 0, 5], days=[0, 3, 0]),
        messages.RewardEarned(level=0, credit=RUB),
        messages.RewardEarned(level=1, days=3),
    ]


def what_comes_after(title: str) -> list[AnyMessage]:
    return [
        messages.Renewed(title=title, price=RUB, expires_at=WHEN, balance=RUB),
        messages.RenewalShort(title=title, price=RUB, missing=RUB, expires_at=WHEN),
        messages.AutoRenewal(on=True, title=title, price=RUB),
        messages.AutoRenewal(on=False, title=title, price=RUB),
        messages.AutoRenewal(on=False),
        messages.AutoRenewal(on=True, monthly=True, title=title, price=RUB),
        *[
            messages.Credited(amount=STARS, credit=RUB, balance=RUB, reason=reason)
            for reason in ("underpaid", "overpaid", "duplicate", "wrong_currency")
        ],
        messages.PaidForAnother(title=title, amount=STARS),
        messages.ReviewClosed(amount=STARS, note=title),
        messages.Refunded(amount=STARS),
        messages.Refunded(amount=STARS, title=title),
        messages.Adjusted(amount=RUB, balance=RUB, reason=title),
        messages.Adjusted(amount=-RUB, balance=RUB, reason=title),
        messages.TimeGranted(days=3, expires_at=WHEN, reason=title),
        messages.Revoked(title=title, reason=title),
    ]


def unasked(title: str) -> list[AnyMessage]:
    return [
        messages.EndsSoon(title=title, expires_at=WHEN, period=1),
        messages.EndsSoon(title=title, expires_at=WHEN, period=10**18, price=RUB),
        messages.EndsSoon(title=title, expires_at=WHEN, period=1, price=RUB, missing=RUB),
        messages.EndsSoon(title=title, expires_at=WHEN, period=1, trial=True),
        messages.ComeBack(title=title, expires_at=WHEN, period=1, price=RUB),
        messages.ComeBack(title=title, expires_at=WHEN, period=1, trial=True),
    ]


def test_every_kind_of_message_is_in_the_list_above() -> None:
    assert {type(message) for message in every_message("x")} == set(get_args(AnyMessage))


def judged(outgoing: Outgoing) -> str:
    """The text that reaches a person, after the judgement of a server that refuses what Telegram refuses."""
    match outgoing:
        case SendText(html=html) | EditText(html=html) | SendPhoto(caption=html) | EditCaption(caption=html):
            text, _ = parse_html(html)
        case SendInvoice():
            text = f"{outgoing.title}\n{outgoing.description}\n{outgoing.label}"
            assert 1 <= len(outgoing.title) <= 32
            assert 1 <= len(outgoing.description) <= 255
            assert len(outgoing.payload.encode()) <= 128
        case Delete():
            return ""
        case _:
            raise AssertionError(f"{outgoing} is no message")
    assert 0 < utf16_length(text) <= (1024 if isinstance(outgoing, SendPhoto | EditCaption) else 4096)
    return text


@pytest.mark.requirement("N8")
@settings(deadline=None)
@given(names, recipients)
@example("<b>&amp;\"'</a>", Recipient("ru"))
@example("مرحبا \u202e 😀", Recipient("ru"))
@example("👨‍👩‍👧 Zoë ‮", Recipient("en"))
def test_names_and_titles_of_any_form_reach_people_as_they_are(title: str, recipient: Recipient) -> None:
    for message in every_message(title):
        text = judged(screen(message, 1, shop(title), recipient))
        if getattr(message, "title", None) == title or isinstance(message, messages.Home):
            assert " ".join(title.split()) in " ".join(text.split())


#: What a shop says to many at once is in its own words.
OURS = [
    message
    for message in every_message("1 month")
    if not isinstance(message, messages.Announced | messages.AnnouncementGone)
]


@pytest.mark.requirement("N8")
@pytest.mark.parametrize("message", OURS, ids=lambda message: type(message).__name__)
def test_every_message_speaks_russian_to_russians_and_english_to_others(message: AnyMessage) -> None:
    texts = {
        language: judged(outgoing) + " ".join(button.text for row in outgoing.buttons for button in row)
        for language in ("en", "ru", "pt-br", None)
        if isinstance(outgoing := screen(message, 1, shop(), Recipient(language)), Written)
    }
    own = {language: without_names(text, message) for language, text in texts.items()}
    assert not re.search("[а-яё]", own["en"], re.IGNORECASE)
    assert not re.search(r"[a-z]{2}", own["ru"], re.IGNORECASE)
    assert own["pt-br"] == own[None] == own["en"]


@pytest.mark.parametrize(("language", "title"), [("ru", "1 месяц"), ("en", "1 month"), ("pt-br", "1 month")])
def test_what_was_sold_is_called_by_its_title_in_the_readers_language(language: str, title: str) -> None:
    for message in (messages.Expired(title="1 month"), messages.NotEnough(title="1 month", missing=RUB)):
        assert title in judged(screen(message, 1, shop(), Recipient(language)))
    gone = messages.Expired(title="a plan of last year")
    assert "a plan of last year" in judged(screen(gone, 1, shop(), Recipient(language)))


def strings_in(value: object) -> Iterator[str]:
    """Every text in a message, however deep."""
    match msgspec.to_builtins(value):
        case str(text):
            yield text
        case list(each):
            for one in each:
                yield from strings_in(one)
        case dict(named):
            for one in named.values():
                yield from strings_in(one)


def without_names(text: str, message: AnyMessage) -> str:
    """A text without what is the same in every language, and without what the message itself quotes."""
    for quoted in strings_in(structs.asdict(message)):
        text = text.replace(quoted, "")
    same = r"\w+://\S+|[@/]\w+|Telegram Stars|Crypto Pay|Test VPN|VPN|UTC|ctl status|English|Русский"
    return re.sub(same, "", text)


@pytest.mark.parametrize("message", every_message("1 month"), ids=lambda message: type(message).__name__)
def test_every_button_fits_and_opens_or_means_something(message: AnyMessage) -> None:
    outgoing = screen(message, 1, shop(), ENGLISH)
    for row in getattr(outgoing, "buttons", ()):
        for button in row:
            assert isinstance(button, Button)
            assert (button.data is None) != (button.url is None)
            assert button.data is None or 1 <= len(button.data.encode()) <= 64


def test_a_screen_that_answers_a_tap_takes_the_place_of_the_one_that_was_tapped() -> None:
    assert isinstance(screen(messages.PlanList(replaces=7), 1, shop(), ENGLISH), EditText)
    assert isinstance(screen(messages.PlanList(), 1, shop(), ENGLISH), SendText)


def test_a_shop_without_crypto_does_not_offer_it() -> None:
    node_shop = Shop("x", "", CATALOGUE, [], "https://vpn.example", crypto=False)
    outgoing = screen(messages.WaysToPay(item="plan:month", balance=RUB), 1, node_shop, ENGLISH)
    assert isinstance(outgoing, SendText)
    assert not any("Crypto" in button.text for row in outgoing.buttons for button in row)
