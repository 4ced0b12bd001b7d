-- Scans go by an index whose order is theirs, whatever their parameters: none reads what is not due.

DROP INDEX subscriptions_due, subscriptions_in_grace;
CREATE INDEX subscriptions_ending ON subscriptions (status, trial, expires_at, id);

DROP INDEX purchases_awaited;
CREATE INDEX purchases_awaited ON purchases (provider, created_at, id)
    WHERE status IN ('invoiced', 'lapsed') AND invoice_id IS NOT NULL;
