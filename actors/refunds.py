"""`refunds`: has the providers send back what an operator wants sent back, for as long as it takes (F11).

What is to be done stands in the database: asked, then done or refused. A kill anywhere leaves it asked, and asking a
provider twice is harmless. A Stars subscription is stopped before a charge of it goes back.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import trio

from actors.environment import Environment
from actors.messages import Write
from actors.providers import open_providers
from domain.commands import RecordRefund, RefuseRefund
from domain.entities import Provider
from domain.money import Money
from integrations.provider import PaymentProvider, Refused, TryLater
from runtime import Context, Iteration, Worker

_PAGE: Final = 100

_ASKED: Final = """
    SELECT payment_id, payments.provider, charge_id, amount, amount_currency, purchase_id, payments.user_id, asked_by,
        coalesce(recurring OR renews IS NOT NULL, false) AS monthly
    FROM refunds
        JOIN payments ON payments.id = refunds.payment_id
        LEFT JOIN purchases ON purchases.id = payments.purchase_id
    WHERE state = 'asked' AND payment_id > %s
    ORDER BY payment_id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """A payment that shall go back; `monthly` if it was a charge of a subscription."""

    payment_id: int
    provider: str
    charge_id: str
    amount: int
    amount_currency: str
    purchase_id: int | None
    user_id: int | None
    asked_by: str
    monthly: bool


class Refunds(Worker):
    """Carries out refunds that were asked for."""

    period = 15.0

    def __init__(self, context: Context, environment: Environment) -> None:
        super().__init__(context)
        self._environment = environment
        self._readers = environment.readers
        self._writer = context.ref("db_writer")
        self._providers: Mapping[Provider, PaymentProvider] = {}
        self._cursor = 0
        self._put_off = 0
        self._quiet_until: dict[str, float] = {}

    async def started(self) -> None:
        """Open the providers; they need not answer for that."""
        self._providers = await self.context.open(open_providers(self._environment))
        await super().started()

    async def tick(self) -> Iteration:
        """Try every refund that is asked for; one that cannot be had now is tried again at the next tick."""
        due = done = 0
        while page := await self._readers.fetch(
            Asked, _ASKED, (self._cursor, _PAGE), reader=self.context.name
        ):
            self._put_off = 0
            tried = await self.each(page, self._carry_out, key=lambda asked: str(asked.payment_id))
            due, done = due + tried.due, done + tried.done - self._put_off
            if tried.more:
                return Iteration(due, done, more=True)
            self._cursor = page[-1].payment_id
            if self.out_of_time:
                return Iteration(due, done, more=True)
        self._cursor = 0
        return Iteration(due, done)

    async def _carry_out(self, asked: Asked) -> None:
        if self._quiet_until.get(asked.provider, 0.0) > trio.current_time():
            self._put_off += 1
            return
        try:
            await self._send_back(asked)
        except TryLater as error:
            self._put_off += 1
            self._quiet_until[asked.provider] = trio.current_time() + (error.after or 0.0)
            self.context.log.warning("refund put off", payment=asked.payment_id, error=str(error))
            return
        except Refused as error:
            await self._writer.call(Write(RefuseRefund(payment_id=asked.payment_id, error=str(error))))
            self.context.happened(
                f"refund of payment {asked.payment_id} refused",
                f"{asked.provider} did not send payment {asked.payment_id} back: {error}",
            )
            return
        await self._writer.call(
            Write(
                RecordRefund(
                    provider=Provider(asked.provider),
                    charge_id=asked.charge_id,
                    amount=Money(asked.amount, asked.amount_currency),
                    purchase_id=asked.purchase_id,
                    payer=asked.user_id,
                    by=asked.asked_by,
                )
            )
        )

    async def _send_back(self, asked: Asked) -> None:
        """Have the money sent; raises `Refused` where it will not be, `TryLater` where it may be later."""
        provider = self._providers.get(Provider(asked.provider))
        if provider is None:
            raise Refused(f"this shop takes no payments by {asked.provider} any more")
        if asked.user_id is None:
            raise Refused("nobody knows who paid this: return it by hand and record that")
        if asked.monthly:
            with suppress(Refused):  # it may be over, or stopped by the person
                await provider.stop(asked.charge_id, asked.user_id)
        await provider.refund(asked.charge_id, asked.user_id)
