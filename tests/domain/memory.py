"""The writer without a database: commands are decided on a view that is kept in memory."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import TypeVar, cast

from domain.catalogue import Catalogue
from domain.commands import Command, Person, Received, RecordUpdates
from domain.decide import decide
from domain.draft import Draft, Sequences, View
from domain.entities import Account, OutboxMessage
from domain.messages import AnyMessage, decode
from tests.storage.shop import ALICE, CATALOGUE, NOW, made_up_entropy

R = TypeVar("R")


@dataclass(slots=True)
class Shop:
    """Decides one command after another, as the writer's batches do."""

    rows: View = field(default_factory=View)
    now: datetime = NOW
    catalogue: Catalogue = CATALOGUE
    sequences: Sequences = field(default_factory=lambda: Sequences({}))
    #: How many rows commands have put so far.
    written: int = 0
    _entropy: object = field(default_factory=made_up_entropy)
    _updates: object = field(default_factory=lambda: count(1))

    def do(self, command: Command[R]) -> R:
        """Decide a command; what it wrote is kept, unless it raises."""
        rows = self.rows
        rows.begin()
        draft = Draft(
            rows,
            self.now,
            self.catalogue,
            self.sequences,
            self._entropy,  # type: ignore[arg-type]
            owners={row.id: row.user_id for row in rows.subscriptions.changed.values()},
            charges={row.id: (row.provider, row.charge_id) for row in rows.payments.changed.values()},
            inviters={row.referral_code: row.id for row in rows.users.changed.values() if row.referral_code},
        )
        try:
            reply = decide(command, draft)
        except Exception:
            rows.undo()
            raise
        self.written += len(rows.journal)
        return reply

    def update(self, person: Person = ALICE) -> int:
        """A fresh update in the inbox."""
        update_id = next(cast("count[int]", self._updates))
        self.do(RecordUpdates((Received(update_id, person.id, "{}"),)))
        return update_id

    def wait(self, length: timedelta) -> None:
        """Let time pass."""
        self.now += length

    def accounts(self) -> list[Account]:
        """Every account of the ledger."""
        return list(self.rows.accounts.changed.values())

    def told(self) -> list[AnyMessage]:
        """Everything that people were told, in order."""
        messages: list[OutboxMessage] = list(self.rows.outbox.changed.values())
        return [decode(message.body) for message in messages]
