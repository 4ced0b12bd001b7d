"""Long polling that cannot lose an update.

Asking for updates above an offset tells Telegram to forget those below it. So the offset moves only after
`accept` has made the updates safe; whoever dies before that gets them again. No offset is stored: what was not
confirmed is what Telegram still has.
"""

import random
from collections.abc import Sequence
from typing import Final

import structlog
import trio
from telegram.error import Conflict, InvalidToken, TelegramError

from integrations.telegram.bot import TrioBot
from integrations.telegram.raw_update import ALLOWED_UPDATES, Accept, BadUpdate, RawUpdate, from_json
from integrations.telegram.request import TooManyRequests

#: How long Telegram may hold a request until there is an update.
POLL_SECONDS: Final = 50
_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 30.0

_log: Final = structlog.get_logger(__name__)


async def poll(
    bot: TrioBot,
    accept: Accept,
    *,
    allowed_updates: Sequence[str] = ALLOWED_UPDATES,
    poll_seconds: int = POLL_SECONDS,
) -> None:
    """Fetch updates for ever and hand them to `accept`, oldest first, at most 100 at a time.

    A webhook that is set is removed first, its waiting updates are kept. Errors of Telegram and of the network
    are waited out, 0.5 s to 30 s apart; each new kind of trouble is logged once. What `accept` raises ends
    polling, and the updates in hand will be delivered again.
    """
    patience = _Patience()
    offset: int | None = None
    webhook_removed = False
    while True:
        try:
            if not webhook_removed:
                webhook_removed = await bot.delete_webhook(drop_pending_updates=False)
            asked_at = trio.current_time()
            batch = await _fetch(bot, offset, allowed_updates, poll_seconds)
        except TelegramError as error:
            await patience.wait_out(error)
            continue
        patience.restored()
        if batch:
            await accept(batch)
            offset = max(update.update_id for update in batch) + 1
        elif trio.current_time() - asked_at < _FIRST_PAUSE_SECONDS:
            # Some Bot API servers answer at once instead of holding the request.
            await trio.sleep(_FIRST_PAUSE_SECONDS)


async def _fetch(
    bot: TrioBot, offset: int | None, allowed_updates: Sequence[str], poll_seconds: int
) -> list[RawUpdate]:
    result = await bot.raw_updates(offset, poll_seconds, allowed_updates)
    if not isinstance(result, list):
        raise TelegramError("getUpdates did not return a list")
    batch = []
    for element in result:
        try:
            batch.append(from_json(element))
        except BadUpdate as error:
            # Without a number it can be neither stored nor confirmed.
            _log.error("Telegram sent something that is no update", reason=str(error))
    if result and not batch:
        raise TelegramError("getUpdates returned nothing that is an update")
    return batch


class _Patience:
    """The pauses after errors, and what is said: once for each kind of trouble, once when it is over."""

    def __init__(self) -> None:
        self._pause = _FIRST_PAUSE_SECONDS
        self._trouble: type[TelegramError] | None = None

    async def wait_out(self, error: TelegramError) -> None:
        if self._trouble is not type(error):
            self._trouble = type(error)
            _log.warning("cannot fetch updates from Telegram", reason=_explain(error))
        pause, self._pause = self._pause, min(self._pause * 2, _LONGEST_PAUSE_SECONDS)
        if isinstance(error, TooManyRequests):
            pause = max(pause, error.retry_after)
        # Jitter keeps two processes that fight for one token from doing it in step.
        await trio.sleep(pause * random.uniform(1.0, 1.2))

    def restored(self) -> None:
        if self._trouble is not None:
            _log.info("fetching updates from Telegram works again")
        self._pause = _FIRST_PAUSE_SECONDS
        self._trouble = None


def _explain(error: TelegramError) -> str:
    if isinstance(error, Conflict):
        return "another process fetches updates with this token, or set a webhook: stop it, one bot has one owner"
    if isinstance(error, InvalidToken):
        return "Telegram does not accept the token any more: put the new one from @BotFather into the configuration"
    return str(error)
