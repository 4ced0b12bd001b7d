"""What must be true of the books at every moment, as statements that find what is not (F8, I1, I3, I4, I6, I7).

Each is one statement, so it sees one moment of a database that is being written to. It gives sentences, none where all
is well. The database refuses most of this by constraint; what is asked here is whether that held.
"""

from typing import Final, LiteralString

#: The requirement, what is asked, and the statement: a column `found`, at most 20 rows.
INVARIANTS: Final[tuple[tuple[str, str, LiteralString], ...]] = (
    (
        "F8",
        "every currency sums to zero",
        """
        SELECT format('%%s: the accounts sum to %%s', currency, sum(credits - debits)) AS found
        FROM accounts GROUP BY currency HAVING sum(credits - debits) <> 0 LIMIT 20
        """,
    ),
    (
        "F8",
        "every account is the sum of its transfers",
        """
        WITH sums AS (
            SELECT account, sum(debited) AS debits, sum(credited) AS credits FROM (
                SELECT debit AS account, amount AS debited, 0 AS credited FROM transfers
                UNION ALL SELECT credit, 0, amount FROM transfers
            ) AS sides GROUP BY account
        )
        SELECT format('account %%s (%%s of %%s): holds %%s, its transfers give %%s', a.id, a.kind, a.owner,
            a.credits - a.debits, coalesce(s.credits - s.debits, 0)) AS found
        FROM accounts a LEFT JOIN sums s ON s.account = a.id
        WHERE a.debits <> coalesce(s.debits, 0) OR a.credits <> coalesce(s.credits, 0) LIMIT 20
        """,
    ),
    (
        "F9",
        "a transfer stays within its currency",
        """
        SELECT format('transfer %%s moves %%s between accounts in %%s and %%s', t.id, t.amount_currency,
            d.currency, c.currency) AS found
        FROM transfers t LEFT JOIN accounts d ON d.id = t.debit LEFT JOIN accounts c ON c.id = t.credit
        WHERE t.amount_currency IS DISTINCT FROM d.currency OR t.amount_currency IS DISTINCT FROM c.currency
        LIMIT 20
        """,
    ),
    (
        "I3",
        "no balance is negative",
        """
        SELECT format('user %%s has %%s %%s', owner, credits - debits, currency) AS found
        FROM accounts WHERE kind = 'balance' AND credits < debits LIMIT 20
        """,
    ),
    (
        "I7",
        "a payment has its one transfer",
        """
        SELECT format('payment %%s: transfer %%s does not carry it', p.id, p.transfer_id) AS found
        FROM payments p LEFT JOIN transfers t ON t.id = p.transfer_id AND t.cause = 'payment'
            AND t.cause_id = p.id AND t.amount = p.amount AND t.amount_currency = p.amount_currency
        WHERE t.id IS NULL LIMIT 20
        """,
    ),
    (
        "I7",
        "a transfer has its cause",
        """
        SELECT format('transfer %%s: there is no %%s %%s', t.id, t.cause, t.cause_id) AS found
        FROM transfers t
        WHERE NOT CASE
            WHEN t.cause LIKE 'reward%%' THEN EXISTS (SELECT FROM rewards WHERE id = t.cause_id)
            WHEN t.cause = 'promo' THEN EXISTS (SELECT FROM redemptions WHERE id = t.cause_id)
            WHEN t.cause = 'act' THEN EXISTS (SELECT FROM acts WHERE id = t.cause_id)
            WHEN t.cause LIKE 'refund%%' THEN EXISTS (SELECT FROM refunds WHERE payment_id = t.cause_id)
            WHEN t.cause LIKE 'review%%' OR t.cause LIKE 'excess%%'
                THEN EXISTS (SELECT FROM reviews WHERE payment_id = t.cause_id)
            ELSE EXISTS (SELECT FROM payments WHERE id = t.cause_id) END
        LIMIT 20
        """,
    ),
    (
        "I7",
        "a paid purchase was paid or granted once",
        """
        SELECT format('purchase %%s is %%s and was settled %%s times', p.id, p.status, settled.times) AS found
        FROM purchases p CROSS JOIN LATERAL (
            SELECT (SELECT count(*) FROM payments WHERE purchase_id = p.id
                    AND outcome IN ('accepted', 'late', 'by_another', 'overpaid'))
                + (SELECT count(*) FROM reviews WHERE purchase_id = p.id) AS times
        ) AS settled
        WHERE (p.status IN ('paid', 'refunded')) <> (settled.times = 1) OR settled.times > 1 LIMIT 20
        """,
    ),
    (
        "I1",
        "an active subscription has its UUID",
        "SELECT format('subscription %%s', id) AS found FROM subscriptions WHERE uuid IS NULL LIMIT 20",
    ),
    (
        "I4",
        "a renewal comes before the end",
        """
        SELECT format('subscription %%s: renewed at %%s, ends at %%s', id, last_auto_renewal_at, expires_at) AS found
        FROM subscriptions WHERE last_auto_renewal_at > expires_at LIMIT 20
        """,
    ),
    (
        "I6",
        "a subscription's end has its cause",
        """
        SELECT format('subscription %%s ends at %%s, its last period at %%s', s.id, s.expires_at, p.ends_at) AS found
        FROM subscriptions s LEFT JOIN periods p ON p.subscription_id = s.id AND p.ordinal = s.periods
        WHERE p.id IS NULL LIMIT 20
        """,
    ),
)
