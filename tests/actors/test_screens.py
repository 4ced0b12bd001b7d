"""What people see: every fact has a screen, whatever is in it, within Telegram's limits."""

from datetime import UTC, datetime
from pathlib import Path
from typing import get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.screens import Shop, screen
from actors.words import Recipient
from domain import messages
from domain.messages import AnyMessage
from domain.money import Money
from integrations.telegram.outgoing import Button, EditText, SendInvoice, SendPhoto, SendText
from integrations.telegram.sandbox.entities import parse_html
from integrations.xray.node import Node
from tests.storage.shop import CATALOGUE

RUB = Money(19900, "RUB")
WHEN = datetime(2026, 12, 23, 21, 42, tzinfo=UTC)
ENGLISH = Recipient("en")
TOKEN = "t" * 24

names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=32)


def shop(name: str = "Test VPN") -> Shop:
    node = Node(name="one", host="192.0.2.1", port=443, api_socket=Path("one.sock"))
    return Shop(name, "@help", CATALOGUE, [node], "https://vpn.example", crypto=True)


def every_message(title: str) -> list[AnyMessage]:
    uuid = str(UUID(int=1))
    return [
        messages.Home(first_name=title),
        messages.Help(),
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
    ]


def test_every_kind_of_message_is_in_the_list_above() -> None:
    assert {type(message) for message in every_message("x")} == set(get_args(AnyMessage))


@given(names)
def test_names_and_titles_of_any_form_reach_people_as_they_are(title: str) -> None:
    for message in every_message(title):
        outgoing = screen(message, 1, shop(title), ENGLISH)
        match outgoing:
            case SendText(html=html) | EditText(html=html) | SendPhoto(caption=html):
                text, _ = parse_html(html)
                assert "None" not in text or "None" in title
            case SendInvoice():
                assert len(outgoing.title) <= 32
                assert len(outgoing.payload.encode()) <= 128


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
