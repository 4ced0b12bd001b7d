"""A command that cannot be carried out fails alone: wherever it stands in its batch, whatever is wrong with it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

import domain.decide
from domain.commands import AutoRenew, Command, FinalizePayment, Renewal, SetAutoRenewal
from domain.draft import Draft
from domain.entities import Provider
from storage.writer import Answered, Failed
from tests.fixtures.postgres import Database
from tests.storage.shop import ALICE, Desk, open_desk
from tests.storage.test_writer import STARS, crypto_paid, owner_of, paid

_REFUSING = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.charge_id LIKE 'corrupt%' THEN RAISE EXCEPTION 'a broken page' USING ERRCODE = 'XX001'; END IF;
        IF NEW.charge_id LIKE 'poison%' THEN RAISE EXCEPTION 'broken on purpose'; END IF; RETURN NEW; END $$;
    CREATE TRIGGER broken BEFORE INSERT ON payments FOR EACH ROW EXECUTE FUNCTION refuse();
"""


def unreadable(number: int) -> Command[object]:
    """Found by psycopg before anything is sent."""
    return paid(None, f"poison-{number}\0")


def unwritable(number: int) -> Command[object]:
    """Found by the server as it writes."""
    return paid(None, f"poison-{number}")


def unlucky(number: int) -> Command[object]:
    """Found by the server in itself."""
    return paid(None, f"corrupt-{number}")


def undecidable(number: int) -> Command[object]:
    """Found as it is decided: a mistake of ours."""
    return replace(paid(None, f"poison-{number}"), provider="nobody")  # type: ignore[arg-type]


def too_long(number: int) -> Command[object]:
    """Found by the server's index."""
    return paid(None, f"{number}" + "".join(map(chr, range(0x4E00, 0x4E00 + 6000))))


@pytest.mark.parametrize("poison", [unreadable, unwritable, unlucky, undecidable, too_long])
@pytest.mark.parametrize(
    "places", [{0}, {69}, {33}, {0, 1, 2, 69}, set(range(0, 70, 7)), set(range(70))], ids=len
)
async def test_poison_fails_alone_wherever_it_stands(
    database: Database, poison: Callable[[int], Command[object]], places: set[int]
) -> None:
    with owner_of(database) as owner:
        owner.execute(_REFUSING)
    async with open_desk(database.writer) as desk:
        batch = [poison(n) if n in places else paid(None, f"good-{n}") for n in range(70)]
        outcomes = await desk.writer.execute(batch, desk.now)

        assert {n for n, outcome in enumerate(outcomes) if isinstance(outcome, Failed)} == places
        assert await desk.value("SELECT count(*) FROM payments") == 70 - len(places)
        assert await desk.value("SELECT count(*) FROM transfers") == 70 - len(places)
        assert await desk.value("SELECT count(*) FROM answers WHERE key LIKE 'payment:%'") == 70 - len(places)
        again = await desk.writer.execute(batch, desk.now)
        assert [type(each) for each in again] == [type(each) for each in outcomes]
        assert await desk.value("SELECT count(*) FROM payments") == 70 - len(places)


async def test_what_a_mistake_of_ours_had_already_put_is_taken_back(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half_done(command: FinalizePayment, draft: Draft) -> object:
        finalize(command, draft)
        if command.charge_id == "poison":
            raise RuntimeError("a mistake, after everything was put")
        return None

    finalize = domain.decide._DECISIONS[FinalizePayment]
    async with open_desk(database.writer) as desk:
        first, second = [await desk.start(Provider.STARS) for _ in range(2)]
        monkeypatch.setitem(domain.decide._DECISIONS, FinalizePayment, half_done)
        batch = [paid(first.purchase_id, "poison"), paid(second.purchase_id, "good")]
        outcomes = await desk.writer.execute(batch, desk.now)

        assert [type(each) for each in outcomes] == [Failed, Answered]
        assert await desk.rows("SELECT purchase_id FROM payments") == [(second.purchase_id,)]
        assert await desk.value("SELECT (expires_at - created_at)::text FROM subscriptions") == "30 days"
        assert await desk.value("SELECT sum(amount) FROM transfers WHERE cause = 'payment'") == STARS.minor
        assert await desk.value("SELECT count(*) FROM outbox WHERE kind = 'paid'") == 1


@pytest.mark.requirement("F3")
async def test_of_many_renewals_in_a_batch_only_the_poisoned_one_fails_and_nobody_is_told_of_it(
    database: Database,
) -> None:
    people = [replace(ALICE, id=2000 + n) for n in range(9)]
    async with open_desk(database.writer) as desk:
        for person in people:
            await subscribe(desk, person.id)
        poisoned = await desk.value("SELECT id FROM subscriptions WHERE user_id = 2004")
        with owner_of(database) as owner:
            owner.execute(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                f"IF NEW.id = {poisoned} THEN RAISE EXCEPTION 'broken on purpose'; END IF; RETURN NEW; END $$"
            )
            owner.execute(
                "CREATE TRIGGER broken BEFORE UPDATE ON subscriptions FOR EACH ROW EXECUTE FUNCTION refuse()"
            )
        ids = [row[0] for row in await desk.rows("SELECT id FROM subscriptions ORDER BY id")]
        due = await desk.value("SELECT min(expires_at) FROM subscriptions")
        outcomes = await desk.writer.execute([AutoRenew(each) for each in ids], due)

        expected = [Failed if each == poisoned else Answered for each in ids]
        assert [type(each) for each in outcomes] == expected
        renewed = [each.reply for each in outcomes if isinstance(each, Answered)]
        assert renewed == [Renewal.RENEWED] * 8
        told = await desk.rows("SELECT chat_id FROM outbox WHERE kind = 'renewed' ORDER BY chat_id")
        assert told == [(person.id,) for person in people if person.id != 2004]
        assert await desk.rows(_RENEWALS) == [(8, 8, 8)]
        assert await desk.value(
            "SELECT credits - debits FROM accounts WHERE kind = 'balance' AND owner = 2004"
        ) == (50000)
        assert await desk.value(
            f"SELECT last_auto_renewal_at IS NULL FROM subscriptions WHERE id = {poisoned}"
        )


_RENEWALS = """
    SELECT (SELECT count(*) FROM payments WHERE charge_id LIKE 'renewal:%'),
        (SELECT count(*) FROM periods WHERE ordinal = 2),
        (SELECT count(*) FROM subscriptions WHERE last_auto_renewal_at IS NOT NULL)
"""


async def subscribe(desk: Desk, user_id: int) -> None:
    """A month by Stars, 500 RUB on the balance, and renewal by itself."""
    person = replace(ALICE, id=user_id)
    plan = await desk.start(Provider.STARS, person=person)
    await desk.do(replace(paid(plan.purchase_id, f"plan-{user_id}"), payer=user_id))
    credit = await desk.start(Provider.CRYPTOPAY, "top_up:500", person=person)
    await desk.do(replace(crypto_paid(credit.purchase_id), payer=user_id))
    await desk.do(SetAutoRenewal(await desk.update(person), person, True))
