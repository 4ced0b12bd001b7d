-- The predecessor's design with the same facts, keys and references: a balance column, counters, history rows, sequences.
-- It keeps no sums of the shop's own accounts, no stored answers and no claim: what we do beyond it costs only us.
CREATE TABLE users (
    id              bigint PRIMARY KEY,
    first_name      text NOT NULL,
    number          bigint NOT NULL UNIQUE,
    referrer_id     bigint REFERENCES users,
    paid_purchases  bigint NOT NULL DEFAULT 0,
    balance         bigint NOT NULL DEFAULT 0 CHECK (balance >= 0)
);
CREATE TABLE promos (
    code            text PRIMARY KEY,
    percent         bigint NOT NULL,
    per_user        bigint NOT NULL,
    max_uses        bigint,
    used            bigint NOT NULL DEFAULT 0 CHECK (max_uses IS NULL OR used <= max_uses)
);
CREATE TABLE purchases (
    id              bigint PRIMARY KEY,
    user_id         bigint NOT NULL REFERENCES users,
    item            text NOT NULL,
    title           text NOT NULL,
    price           bigint NOT NULL,
    currency        text NOT NULL,
    value           bigint NOT NULL,
    duration        interval NOT NULL,
    promo_code      text REFERENCES promos,
    status          text NOT NULL,
    paid_at         timestamptz
);
CREATE INDEX ON purchases (user_id, id);
CREATE TABLE payments (
    id              bigserial PRIMARY KEY,
    provider        text NOT NULL,
    charge_id       text NOT NULL,
    purchase_id     bigint NOT NULL REFERENCES purchases,
    user_id         bigint NOT NULL REFERENCES users,
    amount          bigint NOT NULL,
    currency        text NOT NULL,
    created_at      timestamptz NOT NULL,
    UNIQUE (provider, charge_id)
);
CREATE INDEX ON payments (user_id, id);
CREATE TABLE transfers (
    id              bigserial PRIMARY KEY,
    debit           text NOT NULL,
    credit          text NOT NULL,
    amount          bigint NOT NULL,
    currency        text NOT NULL,
    cause           text NOT NULL,
    cause_id        bigint NOT NULL,
    created_at      timestamptz NOT NULL,
    UNIQUE (cause, cause_id)
);
CREATE TABLE redemptions (
    id              bigserial PRIMARY KEY,
    code            text NOT NULL REFERENCES promos,
    user_id         bigint NOT NULL REFERENCES users,
    purchase_id     bigint NOT NULL UNIQUE REFERENCES purchases,
    created_at      timestamptz NOT NULL
);
CREATE INDEX ON redemptions (code, user_id);
CREATE TABLE rewards (
    id              bigserial PRIMARY KEY,
    payment_id      bigint NOT NULL REFERENCES payments,
    user_id         bigint NOT NULL REFERENCES users,
    level           bigint NOT NULL,
    amount          bigint NOT NULL,
    created_at      timestamptz NOT NULL,
    UNIQUE (payment_id, level)
);
CREATE INDEX ON rewards (user_id, id);
CREATE TABLE subscriptions (
    id              bigserial PRIMARY KEY,
    user_id         bigint NOT NULL UNIQUE REFERENCES users,
    uuid            uuid NOT NULL UNIQUE,
    token           text NOT NULL UNIQUE,
    status          text NOT NULL,
    expires_at      timestamptz NOT NULL
);
CREATE INDEX ON subscriptions (expires_at, id) WHERE status = 'active';
CREATE TABLE periods (
    id              bigserial PRIMARY KEY,
    subscription_id bigint NOT NULL REFERENCES subscriptions,
    cause           text NOT NULL,
    cause_id        bigint NOT NULL,
    ends_at         timestamptz NOT NULL,
    UNIQUE (cause, cause_id)
);
CREATE TABLE grants (
    subscription_id bigint PRIMARY KEY REFERENCES subscriptions,
    uuid            uuid NOT NULL,
    present         boolean NOT NULL,
    version         bigint NOT NULL
);
CREATE TABLE outbox (
    id              bigserial PRIMARY KEY,
    chat_id         bigint NOT NULL,
    key             text NOT NULL UNIQUE,
    kind            text NOT NULL,
    body            jsonb NOT NULL,
    state           text NOT NULL,
    created_at      timestamptz NOT NULL
);
CREATE INDEX ON outbox (chat_id, id) WHERE state = 'pending';

-- All of it in one call, for the peer at its best.
CREATE FUNCTION finalize(wanted bigint, paid_by text, charge text, paid bigint, said_at timestamptz,
    new_uuid uuid, new_token text) RETURNS bigint LANGUAGE plpgsql AS $finalize$
DECLARE
    purchase    purchases;
    buyer       users;
    inviter     users;
    promo       promos;
    sub         subscriptions;
    payment     bigint;
    reward      bigint;
    share       bigint;
BEGIN
    SELECT * INTO STRICT purchase FROM purchases WHERE id = wanted FOR UPDATE;
    SELECT id INTO payment FROM payments WHERE provider = paid_by AND charge_id = charge;
    IF FOUND THEN
        RETURN payment;
    END IF;
    IF purchase.status = 'paid' OR purchase.price <> paid THEN
        RAISE EXCEPTION 'not as asked';
    END IF;
    SELECT * INTO STRICT buyer FROM users WHERE id = purchase.user_id FOR UPDATE;
    INSERT INTO payments (provider, charge_id, purchase_id, user_id, amount, currency, created_at)
        VALUES (paid_by, charge, wanted, buyer.id, paid, 'XTR', said_at) RETURNING id INTO payment;
    INSERT INTO transfers (debit, credit, amount, currency, cause, cause_id, created_at)
        VALUES ('stars', 'revenue', paid, 'XTR', 'payment', payment, said_at);
    SELECT * INTO STRICT promo FROM promos WHERE code = purchase.promo_code FOR UPDATE;
    IF (SELECT count(*) FROM redemptions WHERE code = promo.code AND user_id = buyer.id) >= promo.per_user THEN
        RAISE EXCEPTION 'used up';
    END IF;
    UPDATE promos SET used = used + 1 WHERE code = promo.code;
    INSERT INTO redemptions (code, user_id, purchase_id, created_at)
        VALUES (promo.code, buyer.id, wanted, said_at);
    UPDATE purchases SET status = 'paid', paid_at = said_at WHERE id = wanted;
    SELECT * INTO sub FROM subscriptions WHERE user_id = buyer.id FOR UPDATE;
    IF FOUND THEN
        UPDATE subscriptions SET status = 'active', expires_at = greatest(expires_at, said_at) + purchase.duration
            WHERE id = sub.id RETURNING * INTO sub;
        UPDATE grants SET present = true, version = version + 1 WHERE subscription_id = sub.id;
    ELSE
        INSERT INTO subscriptions (user_id, uuid, token, status, expires_at)
            VALUES (buyer.id, new_uuid, new_token, 'active', said_at + purchase.duration) RETURNING * INTO sub;
        INSERT INTO grants (subscription_id, uuid, present, version) VALUES (sub.id, sub.uuid, true, 1);
    END IF;
    INSERT INTO periods (subscription_id, cause, cause_id, ends_at)
        VALUES (sub.id, 'payment', payment, sub.expires_at);
    share := purchase.value * 5 / 100;
    INSERT INTO rewards (payment_id, user_id, level, amount, created_at)
        VALUES (payment, buyer.id, 0, share, said_at) RETURNING id INTO reward;
    INSERT INTO transfers (debit, credit, amount, currency, cause, cause_id, created_at)
        VALUES ('referral', buyer.id, share, 'RUB', 'reward', reward, said_at);
    UPDATE users SET balance = balance + share, paid_purchases = paid_purchases + 1 WHERE id = buyer.id;
    INSERT INTO outbox (chat_id, key, kind, body, state, created_at) VALUES
        (buyer.id, 'payment:' || payment, 'paid', jsonb_build_object('title', purchase.title, 'price',
            purchase.price, 'expires_at', sub.expires_at), 'pending', said_at),
        (buyer.id, 'reward:' || reward, 'reward', jsonb_build_object('credit', share), 'pending', said_at);
    SELECT * INTO STRICT inviter FROM users WHERE id = buyer.referrer_id FOR UPDATE;
    share := purchase.value * 10 / 100;
    INSERT INTO rewards (payment_id, user_id, level, amount, created_at)
        VALUES (payment, inviter.id, 1, share, said_at) RETURNING id INTO reward;
    INSERT INTO transfers (debit, credit, amount, currency, cause, cause_id, created_at)
        VALUES ('referral', inviter.id, share, 'RUB', 'reward', reward, said_at);
    UPDATE users SET balance = balance + share WHERE id = inviter.id;
    INSERT INTO outbox (chat_id, key, kind, body, state, created_at) VALUES
        (inviter.id, 'reward:' || reward, 'reward', jsonb_build_object('credit', share), 'pending', said_at);
    RETURN payment;
END
$finalize$;
