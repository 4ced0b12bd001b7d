"""The week as people live it: in the chat they write, press the buttons that they see, and pay."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import psycopg
import trio

from integrations.telegram.sandbox import SANDBOX_TOKEN
from tests.e2e.sandbox import Person
from tests.simulation.people import Deed, Life, What
from tests.simulation.stage import Stage

#: Words of buttons, by the language that people read.
_BUTTONS: Final = {
    "en": {"week": "1 week", "month": "1 month", "top_up": "Top-up of 500", "pay": "Pay"},
    "ru": {"week": "1 неделя", "month": "1 месяц", "top_up": "Пополнение на 500", "pay": "Оплатить"},
}
_STARS: Final = "Telegram Stars"
_CRYPTO: Final = "Crypto Pay"
_GIFT: Final = r"start=gift_(\S+)"


@dataclass(slots=True)
class Living:
    """The chats of everybody who does something in the week."""

    stage: Stage
    #: The codes of gifts, by who bought them.
    gifts: dict[int, str] = field(default_factory=dict)

    async def introduce(self, lives: Iterable[Life]) -> None:
        """Have everybody who is known in a chat with the bot, which has read what they wrote first."""
        telegram = self.stage.telegram
        for life in lives:
            person = {
                "id": life.id,
                "first_name": f"Person {life.id}",
                "language_code": life.telegram_language,
            }
            answer = await telegram.post("/sandbox/people", json=person)
            assert answer.is_success, answer.text
            if life.is_known:
                await telegram.post(f"/sandbox/people/{life.id}/messages", json={"text": "/start"})
        updates = f"/bot{SANDBOX_TOKEN}/getUpdates"
        newest = (await telegram.post(updates, data={"offset": "-1"})).json()["result"]
        for update in newest:
            await telegram.post(updates, data={"offset": str(update["update_id"] + 1)})

    async def live(self, lives: Iterable[Life]) -> None:
        """Have the deeds of these people done, each at its time."""
        start = self.stage.clock.now()
        async with trio.open_nursery() as nursery:
            for life in lives:
                if deeds := [deed for deed in life.deeds if deed.at >= start]:
                    nursery.start_soon(self._live, life, deeds)

    async def _live(self, life: Life, deeds: list[Deed]) -> None:
        person = Person(life.id, self.stage.telegram)
        for deed in deeds:
            await self.stage.clock.sleep_until(deed.at)
            await self._do(deed, person, _BUTTONS[life.reads])

    async def _do(self, deed: Deed, person: Person, buttons: dict[str, str]) -> None:
        match deed.what:
            case What.COME:
                await person.say("/start")
            case What.FOLLOW:
                await person.say(f"/start ref_{self._invitation_of(deed.whose)}")
            case What.REDEEM:
                await person.say(f"/start gift_{self.gifts[deed.whose]}")
            case What.TRY:
                await person.say("/trial")
            case What.BUY | What.LEAVE | What.GIVE:
                await person.say("/gift" if deed.what is What.GIVE else "/plans")
                await person.press(buttons[deed.plan])
                await person.press(_STARS)
                if deed.what is not What.LEAVE:
                    await person.pay_invoice()
                if deed.what is What.GIVE:
                    self.gifts[person.id] = await person.read(_GIFT)
            case What.TOP_UP:
                await person.say("/balance")
                await person.press(buttons["top_up"])
                await person.press(_CRYPTO)
                address = await person.press(buttons["pay"])
                assert address is not None, "the button opens the invoice"
                paid = {"hash": address.rpartition("/")[2]}
                answer = await self.stage.cryptopay.post("/sandbox/pay", json=paid)
                assert answer.is_success, answer.text
            case What.BLOCK | What.UNBLOCK:
                path = f"/sandbox/people/{person.id}/{deed.what.name.lower()}"
                answer = await self.stage.telegram.post(path, json={})
                assert answer.is_success, answer.text
            case _:
                raise AssertionError(f"nobody does this in the week: {deed.what}")

    def _invitation_of(self, inviter: int) -> str:
        with psycopg.connect(self.stage.database.owner) as owner:
            found = owner.execute("SELECT referral_code FROM users WHERE id = %s", (inviter,)).fetchone()
        assert found is not None
        return str(found[0])
