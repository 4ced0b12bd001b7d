-- A shop with very many people, made by the server itself: people `first` to `last`, each with a year behind them.
-- With `due`, everything of theirs is due at `now` for whoever scans for it; without, nothing is for a month.
-- Constraints of one row are checked as always, references and triggers are not (`replica`): the books are made here.

SET LOCAL session_replication_role = replica;

INSERT INTO users (id, first_name, username, language, created_at, number, paid_purchases)
SELECT 10000000 + n, 'Person ' || n, 'person' || n, CASE n % 3 WHEN 0 THEN 'ru' ELSE 'en' END,
    {now} - interval '1 year', n, 1
FROM generate_series({first}, {last}) AS n;

INSERT INTO accounts (id, kind, owner, currency)
SELECT id, kind, 0, currency
FROM (VALUES (1, 'cryptopay_clearing', 'RUB'), (2, 'stars_clearing', 'XTR'), (3, 'revenue', 'XTR'))
    AS shop (id, kind, currency)
ON CONFLICT DO NOTHING;
INSERT INTO accounts (id, kind, owner, currency, debits, credits)
SELECT 10 + n, 'balance', 10000000 + n, 'RUB', 0, 50000 FROM generate_series({first}, {last}) AS n;

-- Of everybody: a top-up (4n), a plan (4n + 1), an invoice that nobody paid (4n + 2), of some a gift (4n + 3).
INSERT INTO purchases (id, user_id, kind, item, title, provider, price, price_currency, duration_seconds, credit,
    credit_currency, status, created_at, invoice_id, invoice_url, paid_at, value, value_currency, gift_code, valid_until)
SELECT 4 * n + part, 10000000 + n, kind, item, title, provider, price, currency, seconds, credit,
    CASE WHEN credit IS NOT NULL THEN 'RUB' END,
    CASE WHEN part <> 2 THEN 'paid' WHEN {due} THEN 'invoiced' ELSE 'lapsed' END, made,
    CASE WHEN provider = 'cryptopay' THEN (4 * n + part)::text END, 'https://t.me/' || n,
    CASE WHEN part <> 2 THEN made END, 19900, 'RUB', CASE part WHEN 3 THEN 'GIFT-OF-A-PERSON-' || n END,
    made + interval '1 hour'
FROM generate_series({first}, {last}) AS n
    CROSS JOIN (VALUES
        (0, 'top_up', 'top_up:500', '500', 'cryptopay', 50000, 'RUB', NULL, 50000),
        (1, 'plan', 'plan:month', '1 month', 'stars', 150, 'XTR', 2592000, NULL),
        (2, 'plan', 'plan:month', '1 month', 'cryptopay', 19900, 'RUB', 2592000, NULL),
        (3, 'gift', 'plan:month', '1 month', 'stars', 150, 'XTR', 2592000, NULL)
    ) AS parts (part, kind, item, title, provider, price, currency, seconds, credit)
    CROSS JOIN LATERAL (
        SELECT {now} - CASE WHEN part = 2 AND {due} THEN interval '1 day' ELSE interval '40 days' END AS made
    ) AS moment
WHERE part <> 3 OR n % 10 = 0;

INSERT INTO payments (id, provider, charge_id, purchase_id, user_id, amount, amount_currency, outcome, transfer_id,
    created_at)
SELECT id, provider, 'charge ' || id, id, user_id, price, price_currency, 'accepted', id, paid_at
FROM purchases WHERE status = 'paid' AND id BETWEEN 4 * {first} AND 4 * {last} + 3;
INSERT INTO transfers (id, debit, credit, amount, amount_currency, cause, cause_id, created_at)
SELECT id, CASE provider WHEN 'stars' THEN 2 ELSE 1 END,
    CASE provider WHEN 'stars' THEN 3 ELSE 10 + user_id - 10000000 END, amount, amount_currency, 'payment', id, created_at
FROM payments WHERE id BETWEEN 4 * {first} AND 4 * {last} + 3;
UPDATE accounts SET debits = (SELECT coalesce(sum(amount), 0) FROM transfers WHERE debit = accounts.id),
    credits = (SELECT coalesce(sum(amount), 0) FROM transfers WHERE credit = accounts.id)
WHERE id <= 3;

INSERT INTO gifts (id, code, purchase_id, title, item, duration_seconds, created_at)
SELECT id, gift_code, id, title, item, duration_seconds, created_at
FROM purchases WHERE kind = 'gift' AND id BETWEEN 4 * {first} AND 4 * {last} + 3;
INSERT INTO refunds (payment_id, state, asked_by, reason, asked_at, settled_at)
SELECT 4 * n, CASE WHEN {due} THEN 'asked' ELSE 'refused' END, 'ops', 'asked for', {now} - interval '20 days',
    CASE WHEN NOT {due} THEN {now} - interval '19 days' END
FROM generate_series({first}, {last}) AS n WHERE n % 2 = 0 AND (NOT {due} OR n % 4 = 0);
INSERT INTO reviews (payment_id, reason, opened_at, user_id, action, settled_by, note, settled_at)
SELECT 4 * n + 1, 'overpaid', {now} - interval '20 days', 10000000 + n, 'ignore', 'ops', 'seen',
    {now} - interval '19 days'
FROM generate_series({first}, {last}) AS n WHERE n % 2 = 0;
INSERT INTO rewards (id, payment_id, user_id, level, seconds, created_at)
SELECT n, 4 * n + 1, 10000000 + n, 0, 86400, {now} - interval '40 days'
FROM generate_series({first}, {last}) AS n WHERE n % 2 = 0;
INSERT INTO acts (id, kind, user_id, done_by, reason, created_at)
SELECT n, 'reissue', 10000000 + n, 'ops', 'asked for', {now} - interval '20 days'
FROM generate_series({first}, {last}) AS n WHERE n % 2 = 0;
INSERT INTO promos (code, kind, percent, per_user, first_purchase_only, audience, enabled, taken, honoured, created_by,
    created_at)
VALUES ('WELCOME', 'percent', 10, 1, false, 'everyone', true, 0, 0, 'ops', {now} - interval '1 year')
ON CONFLICT DO NOTHING;
INSERT INTO promo_uses (code, user_id, taken, allowed)
SELECT 'WELCOME', 10000000 + n, 1, 1 FROM generate_series({first}, {last}) AS n WHERE n % 2 = 0;
INSERT INTO redemptions (id, code, user_id, created_at)
SELECT n, 'WELCOME', 10000000 + n, {now} - interval '40 days'
FROM generate_series({first}, {last}) AS n WHERE n % 2 = 0;

-- One in four is on trial, one in eight in grace, one in eight at an end.
INSERT INTO subscriptions (id, user_id, uuid, token, status, title, created_at, expires_at, periods, trial, item,
    renewal_price, renewal_price_currency, renewal_seconds, auto_renewal, remind_at)
SELECT n, 10000000 + n, (lpad(to_hex(n), 8, '0') || '-0000-4000-8000-000000000000')::uuid, lpad(n::text, 24, '0'),
    CASE n % 8 WHEN 1 THEN 'grace' WHEN 2 THEN 'expired' ELSE 'active' END, '1 month', {now} - interval '40 days',
    CASE WHEN {due} OR n % 8 = 2 THEN {now} - interval '10 days' ELSE {now} + interval '29 days' END
        - make_interval(secs => n / 7 % 1000),
    1, n % 4 = 0, 'plan:month', 19900, 'RUB', 2592000, true,
    CASE WHEN {due} THEN {now} - interval '1 hour' - make_interval(secs => n / 7 % 1000)
        WHEN n % 8 <> 2 THEN {now} + interval '26 days' END
FROM generate_series({first}, {last}) AS n;
INSERT INTO periods (id, subscription_id, ordinal, cause, cause_id, seconds, ends_at, created_at)
SELECT id, id, 1, CASE WHEN trial THEN 'trial' ELSE 'payment' END, CASE WHEN trial THEN id ELSE 4 * id + 1 END, 2592000,
    expires_at, created_at
FROM subscriptions WHERE id BETWEEN {first} AND {last};
INSERT INTO grants (subscription_id, uuid, present, version, change, decided_at, ready, grace)
SELECT id, uuid, on_nodes, 1, id, created_at, on_nodes AND NOT {due}, in_grace
FROM subscriptions WHERE id BETWEEN {first} AND {last};
INSERT INTO provisions (subscription_id, node, version, present, confirmed_at, grace)
SELECT subscription_id, {node}, 1, present, decided_at, grace
FROM grants WHERE NOT {due} AND subscription_id BETWEEN {first} AND {last};
INSERT INTO orphans (node, name, uuid, found_at, removed_at)
SELECT {node}, 's' || 1000000000 + n, (lpad(to_hex(n), 8, '0') || '-0000-4000-8000-00000000000f')::uuid,
    {now} - interval '20 days', CASE WHEN NOT {due} THEN {now} - interval '20 days' END
FROM generate_series({first}, {last}) AS n WHERE n % 2 = 0;

INSERT INTO node_runs (node, epoch, number, met_at) VALUES ({node}, 'the only one', 1, {now} - interval '40 days')
ON CONFLICT DO NOTHING;
INSERT INTO node_usage (subscription_id, node, run, seen_up, seen_down, up, down, read_at)
SELECT n, {node}, 1, n, n, n, n, {now} - interval '1 day' FROM generate_series({first}, {last}) AS n;
INSERT INTO usage (subscription_id, up, down) SELECT n, n, n FROM generate_series({first}, {last}) AS n;

-- A broadcast that is over, or one that has written to everybody and is not told so yet.
INSERT INTO broadcasts (id, state, action, revision, audience, html, buttons, created_by, created_at, panels,
    last_number, since, passed, reach, sent, blocked, failed, unknown, dropped, changed, unchanged, started_at, ended_at)
SELECT CASE WHEN {due} THEN 1 ELSE 2 END, CASE WHEN {due} THEN 'running' ELSE 'done' END, 'send', 0, 'everyone', 'News',
    '[]', 'ops', {now} - interval '30 days', 0, {last}, 0, 0, {last}, 0, 0, 0, 0, 0, 0, 0, {now} - interval '30 days',
    CASE WHEN NOT {due} THEN {now} - interval '29 days' END
ON CONFLICT (id) DO UPDATE SET last_number = excluded.last_number;
INSERT INTO listings (broadcast_id, user_id)
SELECT 2, 10000000 + n FROM generate_series({first}, {last}) AS n WHERE n % 2 = 0;

-- Of everybody an old message, a new one that is due or was sent, one that comes too late or was dropped, and one of
-- the broadcast.
INSERT INTO outbox (id, chat_id, key, kind, body, created_at, not_before, state, attempts, priority, expires_at,
    settled_at, broadcast_id)
SELECT 4 * n + part, 10000000 + n,
    CASE part WHEN 3 THEN 'broadcast:' || broadcast || ':' || 10000000 + n ELSE 'message ' || 4 * n + part END,
    CASE part WHEN 3 THEN 'announcement' ELSE 'expired' END, '{{"kind": "expired", "title": "1 month"}}',
    moment, moment, CASE WHEN waits THEN 'pending' ELSE old END, 1, priority,
    CASE priority WHEN 1 THEN moment + interval '1 hour' END, CASE WHEN NOT waits THEN moment END,
    CASE part WHEN 3 THEN broadcast END
FROM generate_series({first}, {last}) AS n
    CROSS JOIN (VALUES (0, 0, 'sent', false), (1, 0, 'sent', {due}), (2, 1, 'dropped', {due}), (3, 2, 'sent', false))
        AS parts (part, priority, old, waits)
    CROSS JOIN (VALUES (CASE WHEN {due} THEN 1 ELSE 2 END)) AS of (broadcast)
    CROSS JOIN LATERAL (
        SELECT {now} - CASE WHEN waits THEN interval '2 hours' ELSE interval '30 days' END AS moment
    ) AS times;

INSERT INTO updates (id, chat_id, body, received_at, attempts, done_at)
SELECT n, 10000000 + n, '{{}}', {now} - interval '40 days', 1, {now} - interval '40 days'
FROM generate_series({first}, {last}) AS n;
INSERT INTO answers (key, command, reply, created_at)
SELECT 'command ' || n, 'StartTrial', '{{}}', {now} - interval '40 days' FROM generate_series({first}, {last}) AS n;
