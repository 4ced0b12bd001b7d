"""`notices`: tells administrators in their chat what comes in, what needs them, and each morning how the day was.

It looks now and then and tells all that is new in one message, so a busy shop floods nobody; alerts come within
seconds, and a storm of them is folded (`actors.storm`). Up to where it has told is a mark that the writer sets in the
transaction of the message: nothing is told twice and nothing left out, whatever restarts. What it writes goes through
the outbox behind everything that people wait for, so a chat that cannot be reached holds up nobody.
"""

from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import trio

from actors.daily_report import daily_report
from actors.environment import Environment
from actors.messages import LookAgain, Write
from actors.money_notices import KINDS, MoneyReader, Position, notice_of
from actors.offers import time_of_day
from actors.storm import GATHER_SECONDS, Storm
from actors.vpn.errors import NODE_AWAY
from domain.commands import TellAdmins
from domain.messages import Notice
from runtime import Actor, Alert, Context, Message

_LOOK_SECONDS: Final = 15.0
_REPORT: Final = "report"
_DAY: Final = timedelta(days=1)
_MARK: Final = "SELECT position FROM notice_marks WHERE name = %s"


class Notices(Actor):
    """Tells the chat of `[admins]`; without one there is nothing to do."""

    def __init__(self, context: Context, environment: Environment) -> None:
        super().__init__(context)
        settings = environment.configuration.settings
        self._admins = settings.admins
        self._report_at = time_of_day("admins.report_at", settings.admins.report_at)
        self._zone = ZoneInfo(settings.shop.time_zone)
        self._nodes = [node.name for node in environment.nodes]
        self._readers = environment.readers
        self._entropy = environment.entropy
        self._writer = context.ref("db_writer")
        self._money = MoneyReader(environment.readers, context.name)
        self._storm = Storm()
        self._will_look = False

    async def started(self) -> None:
        """Follow what needs an operator, from what lasts already."""
        if self._admins.chat is not None:
            self.context.follow_alerts()
            self.context.every(_LOOK_SECONDS, LookAgain())

    async def receive(self, message: Message) -> object:
        """Take an alert, or look what is new; raises `Unavailable`, and then the next look tells it."""
        match message:
            case Alert():
                self._storm.add(message)
                self._look_before_long()
                return None
            case LookAgain():
                await self._look()
                return None
            case _:
                return await super().receive(message)

    def _look_before_long(self) -> None:
        if not self._will_look:
            self._will_look = True
            self.context.nursery.start_soon(self._look_soon)

    async def _look_soon(self) -> None:
        await trio.sleep(GATHER_SECONDS)
        self._will_look = False
        self.context.me.cast(LookAgain())

    async def _look(self) -> None:
        if self._storm.is_due(trio.current_time()):
            await self._tell_alerts()
        for kind in KINDS:
            await self._tell_money(kind)
        await self._report()

    async def _tell_alerts(self) -> None:
        notice = self._storm.notice(self._admins.topics.alerts)
        await self._tell(f"alerts:{self._entropy(8).hex()}", notice)
        self._storm.told(trio.current_time())

    async def _tell_money(self, kind: str) -> None:
        """Tell what is new; the very first time, only remember where the shop is."""
        mark = await self._mark(kind)
        if mark is None:
            await self._tell(kind, None, kind, await self._money.newest(kind))
            return
        while rows := await self._money.after(kind, mark):
            mark = rows[-1].position
            notice = notice_of(rows, self._admins.topics.payments)
            await self._tell(f"{kind}:{mark}", notice, kind, mark)

    async def _report(self) -> None:
        """Report yesterday once it is time; of days that were missed, the last one."""
        now = self.context.clock.now().astimezone(self._zone)
        yesterday = now.date() - _DAY
        mark = await self._mark(_REPORT)
        if mark is None:
            await self._tell(_REPORT, None, _REPORT, yesterday.toordinal())
            return
        if now.time() < self._report_at or mark >= yesterday.toordinal():
            return
        since = datetime.combine(yesterday, time.min, self._zone)
        report = await daily_report(
            self._readers,
            since,
            datetime.combine(now.date(), time.min, self._zone),
            nodes=self._nodes,
            silent=[node for node in self._nodes if (f"vpn/{node}", NODE_AWAY) in self._storm.lasting],
            thread=self._admins.topics.reports,
            reader=self.context.name,
        )
        await self._tell(f"{_REPORT}:{yesterday}", report, _REPORT, yesterday.toordinal())

    async def _mark(self, name: str) -> int | None:
        found = await self._readers.fetch_one(Position, _MARK, (name,), reader=self.context.name)
        return None if found is None else found.position

    async def _tell(
        self, key: str, notice: Notice | None, mark: str | None = None, position: int = 0
    ) -> None:
        assert self._admins.chat is not None, "nobody looks without a chat"
        await self._writer.call(Write(TellAdmins(self._admins.chat, key, notice, mark, position)))
