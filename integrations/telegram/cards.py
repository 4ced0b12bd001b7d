"""Cards as a payment provider: invoice messages of the bot, with a provider of @BotFather's behind them.

Telegram tells of a payment by card once, in an update, and keeps no list of them: there is nothing to poll and nothing
to sweep, and what keeps a payment is the inbox, which Telegram repeats an update to until it is committed. Sending
money back is done at the provider, by hand.
"""

from domain.entities import Provider
from integrations.provider import PaymentProvider


class Cards(PaymentProvider):
    """Money that people pay by card within Telegram, in the shop's currency."""

    name = Provider.CARDS
