"""Who writes to the bot, and what they have."""

from msgspec.structs import replace

from domain import messages
from domain.commands import Choose, MarkUnreachable, Person, TellRefusal
from domain.draft import Draft
from domain.entities import AccountKind, User
from domain.money import Money
from domain.outbox import done, tell


def meet(draft: Draft, person: Person) -> User:
    """Remember a person as they are now; whoever writes to us can be reached again (N4)."""
    known = draft.rows.users.get(person.id)
    if known is None:
        number = draft.new_id("users")
        user = User(person.id, person.first_name, person.username, person.language, draft.now, number)
    else:
        user = replace(
            known,
            first_name=person.first_name,
            username=person.username,
            language=person.language,
            unreachable_since=None,
        )
    return draft.rows.users.put(user)


def tell_refusal(command: TellRefusal, draft: Draft) -> None:
    """Say why something that was ordered was not done."""
    user = meet(draft, command.person)
    tell(draft, user.id, f"update:{command.update_id}", messages.OrderRefused(why=command.why))
    done(draft, command.update_id)


def mark_unreachable(command: MarkUnreachable, draft: Draft) -> None:
    """Note that a person blocked the bot, or let it in again."""
    user = meet(draft, command.person)
    if command.blocked:
        draft.rows.users.put(replace(user, unreachable_since=draft.now))
    done(draft, command.update_id)


def choose(command: Choose, draft: Draft) -> None:
    """Keep a person's choice of language or time zone, and show the choices again."""
    user = meet(draft, command.person)
    language, zone = command.language or user.chosen_language, command.time_zone or user.time_zone
    draft.rows.users.put(replace(user, chosen_language=language, time_zone=zone))
    tell(draft, user.id, f"update:{command.update_id}", messages.Choices(replaces=command.replaces))
    done(draft, command.update_id)


def balance_of(draft: Draft, user_id: int) -> Money:
    """What the user has in the shop's currency."""
    return draft.account(AccountKind.BALANCE, draft.catalogue.currency, user_id).balance
