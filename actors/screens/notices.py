"""What administrators are told without having asked: money, alerts, the day."""

from collections.abc import Sequence

from markupsafe import Markup

from actors.screens.page import Page, paragraphs
from domain.messages import AlertLine, AlertsNotice, DailyReport, MoneyLine, MoneyNotice
from domain.money import Money
from integrations.telegram.outgoing import SendText

Message = MoneyNotice | AlertsNotice | DailyReport


def noticed(message: Message, page: Page) -> SendText:
    """The message, for the topic that it belongs to."""
    match message:
        case MoneyNotice():
            html = _money(message, page)
        case AlertsNotice():
            html = _alerts(message, page)
        case DailyReport():
            html = _report(message, page)
    return SendText(page.chat, html, thread=message.thread)


def _money(message: MoneyNotice, page: Page) -> Markup:
    lines = [_moved(line, page) for line in message.lines]
    if message.more:
        lines.append(page.words("notice-more-money", more=message.more, sums=_sums(message.sums, page)))
    return _lines(lines)


def _moved(line: MoneyLine, page: Page) -> Markup:
    words = page.words
    item = words.plain("notice-no-item") if line.item is None else page.title(line.item)
    user = words.plain("notice-nobody") if line.user_id is None else str(line.user_id)
    if line.refund:
        return words("notice-refund", amount=line.amount, item=item, provider=line.provider, user=user)
    if line.outcome == "accepted":
        return words("notice-paid", amount=line.amount, item=item, provider=line.provider, user=user)
    return words(
        "notice-odd",
        amount=line.amount,
        item=item,
        provider=line.provider,
        user=user,
        outcome=line.outcome,
    )


def _alerts(message: AlertsNotice, page: Page) -> Markup:
    lines = [_alert(line, page) for line in message.lines]
    if message.more:
        lines.append(page.words("notice-more-alerts", more=message.more))
    return _lines(lines)


def _alert(line: AlertLine, page: Page) -> Markup:
    words = page.words
    if line.over:
        return words("notice-alert-over", actor=line.actor, what=line.what, times=line.times)
    return words("notice-alert", actor=line.actor, what=line.what, times=line.times)


def _report(message: DailyReport, page: Page) -> Markup:
    words = page.words
    money = [words("report-revenue", sums=_sums(message.revenue, page))]
    if message.refunded:
        money.append(words("report-refunded", sums=_sums(message.refunded, page)))
    people = [
        words("report-came", came=message.came, trials=message.trials),
        words("report-bought", first=message.first, renewed=message.renewed),
        words("report-ended", ended=message.ended, active=message.active),
    ]
    rest = [words("report-nodes", nodes=message.nodes, up=message.nodes - len(message.silent))]
    if message.silent:
        rest.append(words("report-silent", names=", ".join(message.silent)))
    if message.reviews:
        rest.append(words("report-reviews", reviews=message.reviews))
    return paragraphs(words("report", day=message.day), *map(_lines, (money, people, rest)))


def _sums(sums: Sequence[Money], page: Page) -> str:
    return ", ".join(map(page.words.money, sums)) or page.words.plain("report-no-money")


def _lines(lines: Sequence[Markup]) -> Markup:
    return Markup("\n").join(lines)
