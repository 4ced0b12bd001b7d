-- Money in full: promo codes, referrals, gifts, refunds, reviews, an operator's acts, and the ledger of time.
-- Time is kept like money: every change of a subscription's end is a row of `periods` with exactly one cause (I6).

-- Referrals (F13): everybody has a number in order of arrival, and whoever invited somebody was there before them.
-- So there are no circles, and nobody invites themselves.
ALTER TABLE users
    ADD number          bigint,
    ADD referrer_id     bigint,
    ADD referrer_number bigint,
    ADD referral_code   text    CONSTRAINT one_person_for_a_referral_code UNIQUE,
    ADD paid_purchases  bigint  NOT NULL DEFAULT 0 CHECK (paid_purchases >= 0);
UPDATE users SET number = arrived.number
    FROM (SELECT id, row_number() OVER (ORDER BY created_at, id) AS number FROM users) AS arrived
    WHERE users.id = arrived.id;
UPDATE users SET paid_purchases = (SELECT count(*) FROM purchases
    WHERE user_id = users.id AND kind = 'plan' AND status = 'paid');
ALTER TABLE users
    ALTER number SET NOT NULL,
    ADD CONSTRAINT one_person_for_a_number UNIQUE (number),
    ADD CONSTRAINT a_person_with_their_number UNIQUE (id, number),
    ADD CONSTRAINT invited_by_somebody_who_is_there FOREIGN KEY (referrer_id, referrer_number)
        REFERENCES users (id, number),
    ADD CONSTRAINT invited_by_somebody_who_came_before CHECK (referrer_number < number),
    ADD CONSTRAINT a_referrer_has_a_number CHECK ((referrer_id IS NULL) = (referrer_number IS NULL));
CREATE INDEX users_referrer ON users (referrer_id) WHERE referrer_id IS NOT NULL;

-- Promo codes (F12): `taken` counts what is used or held by an open invoice, and the database holds the limits.
-- `honoured` counts those that were paid after their invoice had lapsed: what an invoice promised is kept.
CREATE TABLE promos (
    code                text        PRIMARY KEY CHECK (code ~ '^[A-Z0-9_-]{3,32}$'),
    kind                text        NOT NULL CHECK (kind IN ('percent', 'fixed', 'days', 'balance')),
    percent             bigint      CHECK (percent BETWEEN 1 AND 99),
    amount              bigint      CHECK (amount > 0),
    amount_currency     text,
    seconds             bigint      CHECK (seconds > 0),
    max_uses            bigint      CHECK (max_uses > 0),
    per_user            bigint      NOT NULL CHECK (per_user > 0),
    starts_at           timestamptz,
    ends_at             timestamptz,
    first_purchase_only boolean     NOT NULL,
    audience            text        NOT NULL CHECK (audience IN ('everyone', 'subscribers', 'others')),
    plan                text,
    enabled             boolean     NOT NULL,
    taken               bigint      NOT NULL CHECK (taken >= 0),
    honoured            bigint      NOT NULL CHECK (honoured >= 0),
    created_by          text        NOT NULL,
    created_at          timestamptz NOT NULL,
    CONSTRAINT promo_within_its_uses CHECK (max_uses IS NULL OR taken <= max_uses),
    CONSTRAINT promo_gives_what_its_kind_says CHECK ((kind = 'percent') = (percent IS NOT NULL)
        AND (kind IN ('fixed', 'balance')) = (amount IS NOT NULL) AND (kind = 'days') = (seconds IS NOT NULL)
        AND (amount IS NULL) = (amount_currency IS NULL)),
    CHECK (starts_at < ends_at)
);
CREATE TABLE promo_uses (
    code        text    NOT NULL REFERENCES promos,
    user_id     bigint  NOT NULL REFERENCES users,
    taken       bigint  NOT NULL CHECK (taken >= 0),
    allowed     bigint  NOT NULL,
    PRIMARY KEY (code, user_id),
    CONSTRAINT promo_within_its_uses_by_one_user CHECK (taken <= allowed)
);
ALTER TABLE users
    ADD promo_code      text    REFERENCES promos,
    ADD promo_purchase  bigint  REFERENCES purchases DEFERRABLE INITIALLY DEFERRED;

-- Gifts: a paid code that somebody redeems once.
CREATE TABLE gifts (
    id                  bigint      PRIMARY KEY,
    code                text        NOT NULL UNIQUE CHECK (length(code) >= 12),
    purchase_id         bigint      NOT NULL UNIQUE REFERENCES purchases,
    title               text        NOT NULL,
    item                text        NOT NULL,
    duration_seconds    bigint      NOT NULL CHECK (duration_seconds > 0),
    created_at          timestamptz NOT NULL,
    redeemed_by         bigint      REFERENCES users,
    redeemed_at         timestamptz,
    void_at             timestamptz,
    CHECK ((redeemed_by IS NULL) = (redeemed_at IS NULL))
);

-- Purchases: what they are worth in the shop's currency, what took something off, and until when the invoice stands.
ALTER TABLE purchases
    DROP CONSTRAINT purchases_kind_check,
    DROP CONSTRAINT purchases_provider_check,
    DROP CONSTRAINT purchases_status_check,
    DROP CONSTRAINT purchases_check,
    DROP CONSTRAINT gives_time_or_money,
    ADD value           bigint      CHECK (value > 0),
    ADD value_currency  text,
    ADD promo_code      text        REFERENCES promos,
    ADD promo_held      boolean     NOT NULL DEFAULT false,
    ADD gift_code       text,
    ADD recurring       boolean     NOT NULL DEFAULT false,
    ADD renews          bigint      REFERENCES purchases,
    ADD valid_until     timestamptz,
    ADD CONSTRAINT purchase_of_a_kind CHECK (kind IN ('plan', 'top_up', 'gift', 'renewal')),
    ADD CONSTRAINT purchase_from_a_provider CHECK (provider IN ('stars', 'cards', 'cryptopay', 'balance')),
    ADD CONSTRAINT purchase_in_a_state CHECK (status IN ('invoiced', 'lapsed', 'paid', 'refunded')),
    ADD CONSTRAINT paid_at_a_time CHECK ((status IN ('paid', 'refunded')) = (paid_at IS NOT NULL)),
    ADD CONSTRAINT gives_time_or_money CHECK ((kind <> 'top_up') = (duration_seconds IS NOT NULL)
        AND (kind = 'top_up') = (credit IS NOT NULL) AND (credit IS NULL) = (credit_currency IS NULL)),
    ADD CONSTRAINT promo_is_held_while_the_invoice_stands CHECK (NOT promo_held OR (promo_code IS NOT NULL
        AND status = 'invoiced')),
    ADD CHECK ((value IS NULL) = (value_currency IS NULL));
UPDATE purchases SET value = price, value_currency = price_currency WHERE price_currency <> 'XTR';
CREATE INDEX purchases_holding ON purchases (user_id) WHERE promo_held;
CREATE INDEX purchases_lapsing ON purchases (valid_until, id) WHERE status = 'invoiced';

-- Payments (F10): the outcomes that settle their purchase are four, and one purchase has one of them at most.
ALTER TABLE payments
    DROP CONSTRAINT payments_provider_check,
    DROP CONSTRAINT payments_outcome_check,
    DROP CONSTRAINT payments_check,
    ADD CONSTRAINT payment_from_a_provider CHECK (provider IN ('stars', 'cards', 'cryptopay', 'balance')),
    ADD CONSTRAINT payment_with_an_outcome CHECK (outcome IN ('accepted', 'late', 'by_another', 'overpaid',
        'unknown_purchase', 'duplicate', 'underpaid', 'wrong_currency')),
    ADD CONSTRAINT what_settles_names_its_purchase CHECK (purchase_id IS NOT NULL
        OR outcome IN ('unknown_purchase', 'wrong_currency'));
DROP INDEX one_accepted_payment_for_a_purchase;
CREATE UNIQUE INDEX one_settling_payment_for_a_purchase ON payments (purchase_id)
    WHERE outcome IN ('accepted', 'late', 'by_another', 'overpaid');
CREATE INDEX payments_user ON payments (user_id, id);
CREATE INDEX payments_created ON payments (created_at, id);

-- Reviews: what was not paid exactly as asked, how it was settled, by whom and why.
CREATE TABLE reviews (
    payment_id  bigint      PRIMARY KEY REFERENCES payments,
    reason      text        NOT NULL,
    opened_at   timestamptz NOT NULL,
    user_id     bigint      REFERENCES users,
    credit      bigint      CHECK (credit > 0),
    credit_currency text,
    purchase_id bigint      REFERENCES purchases,
    action      text        CHECK (action IN ('credit', 'grant', 'refund', 'ignore')),
    settled_by  text,
    note        text,
    settled_at  timestamptz,
    CONSTRAINT settled_by_somebody CHECK ((action IS NULL) = (settled_at IS NULL)
        AND (action IS NULL) = (settled_by IS NULL)),
    CONSTRAINT credited_to_somebody CHECK (action IS DISTINCT FROM 'credit' OR (user_id IS NOT NULL
        AND credit IS NOT NULL)),
    CHECK ((credit IS NULL) = (credit_currency IS NULL)),
    CONSTRAINT ignored_with_a_reason CHECK (action <> 'ignore' OR length(note) > 0)
);
CREATE INDEX reviews_open ON reviews (payment_id) WHERE action IS NULL;

-- Refunds (F11): asked for, then done by the provider, or refused.
CREATE TABLE refunds (
    payment_id      bigint      PRIMARY KEY REFERENCES payments,
    state           text        NOT NULL CHECK (state IN ('asked', 'done', 'refused')),
    asked_by        text        NOT NULL,
    reason          text        NOT NULL,
    asked_at        timestamptz NOT NULL,
    settled_at      timestamptz,
    error           text,
    shortage        bigint      CHECK (shortage > 0),
    shortage_currency text,
    trace           text,
    CHECK ((state = 'asked') = (settled_at IS NULL)),
    CHECK ((shortage IS NULL) = (shortage_currency IS NULL))
);
CREATE INDEX refunds_asked ON refunds (payment_id) WHERE state = 'asked';

-- Rewards (F13): one for each level of a payment.
CREATE TABLE rewards (
    id              bigint      PRIMARY KEY,
    payment_id      bigint      NOT NULL REFERENCES payments,
    user_id         bigint      NOT NULL REFERENCES users,
    level           bigint      NOT NULL CHECK (level >= 0),
    amount          bigint      CHECK (amount > 0),
    amount_currency text,
    seconds         bigint      CHECK (seconds > 0),
    created_at      timestamptz NOT NULL,
    taken_back_at   timestamptz,
    CONSTRAINT one_reward_for_a_level UNIQUE (payment_id, level),
    CHECK ((amount IS NULL) <> (seconds IS NULL)),
    CHECK ((amount IS NULL) = (amount_currency IS NULL))
);
CREATE INDEX rewards_user ON rewards (user_id, id);

-- What an operator did by hand (F14): who, why, when.
CREATE TABLE acts (
    id              bigint      PRIMARY KEY,
    kind            text        NOT NULL CHECK (kind IN ('grant', 'adjust', 'revoke', 'promo')),
    user_id         bigint      REFERENCES users,
    done_by         text        NOT NULL CHECK (length(done_by) > 0),
    reason          text        NOT NULL CHECK (length(reason) > 0),
    amount          bigint,
    amount_currency text,
    seconds         bigint,
    created_at      timestamptz NOT NULL,
    CHECK ((amount IS NULL) = (amount_currency IS NULL))
);

-- Redemptions: each use of a promo code that took effect.
CREATE TABLE redemptions (
    id          bigint      PRIMARY KEY,
    code        text        NOT NULL REFERENCES promos,
    user_id     bigint      NOT NULL REFERENCES users,
    purchase_id bigint      REFERENCES purchases,
    created_at  timestamptz NOT NULL,
    CONSTRAINT one_redemption_for_a_purchase UNIQUE (purchase_id)
);

-- The ledger of time: what moved the end of a subscription, by how much, and why.
CREATE TABLE periods (
    id              bigint      PRIMARY KEY,
    subscription_id bigint      NOT NULL REFERENCES subscriptions,
    ordinal         bigint      NOT NULL CHECK (ordinal > 0),
    cause           text        NOT NULL CHECK (cause IN
        ('trial', 'payment', 'gift', 'promo', 'reward', 'act', 'review', 'refund', 'reward_back')),
    cause_id        bigint      NOT NULL,
    seconds         bigint      NOT NULL,
    ends_at         timestamptz NOT NULL,
    created_at      timestamptz NOT NULL,
    CONSTRAINT one_period_in_a_place UNIQUE (subscription_id, ordinal),
    CONSTRAINT one_period_for_a_cause UNIQUE (cause, cause_id),
    CONSTRAINT a_trial_comes_first CHECK (cause <> 'trial' OR ordinal = 1)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON periods
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE subscriptions
    ADD periods                 bigint      NOT NULL DEFAULT 0,
    ADD trial                   boolean     NOT NULL DEFAULT false,
    ADD item                    text,
    ADD renewal_price           bigint      CHECK (renewal_price > 0),
    ADD renewal_price_currency  text,
    ADD renewal_seconds         bigint      CHECK (renewal_seconds > 0),
    ADD auto_renewal            boolean     NOT NULL DEFAULT false,
    ADD last_auto_renewal_at    timestamptz;

INSERT INTO periods (id, subscription_id, ordinal, cause, cause_id, seconds, ends_at, created_at)
    SELECT row_number() OVER (ORDER BY pay.id), s.id,
        row_number() OVER (PARTITION BY s.id ORDER BY pay.id), 'payment', pay.id, p.duration_seconds,
        pay.created_at + make_interval(secs => p.duration_seconds), pay.created_at
    FROM payments pay JOIN purchases p ON p.id = pay.purchase_id JOIN subscriptions s ON s.user_id = p.user_id
    WHERE pay.outcome = 'accepted' AND p.kind = 'plan';
UPDATE subscriptions SET periods = (SELECT count(*) FROM periods WHERE subscription_id = subscriptions.id);
UPDATE subscriptions SET item = last.item, renewal_price = last.value, renewal_price_currency = last.value_currency,
    renewal_seconds = last.duration_seconds
    FROM (SELECT DISTINCT ON (user_id) user_id, item, value, value_currency, duration_seconds FROM purchases
          WHERE kind = 'plan' AND status = 'paid' ORDER BY user_id, id DESC) AS last
    WHERE last.user_id = subscriptions.user_id;

ALTER TABLE subscriptions
    ADD CONSTRAINT renewed_before_the_end CHECK (last_auto_renewal_at <= expires_at),
    ADD CONSTRAINT time_has_a_cause FOREIGN KEY (id, periods) REFERENCES periods (subscription_id, ordinal)
        DEFERRABLE INITIALLY DEFERRED,
    ADD CHECK ((renewal_price IS NULL) = (renewal_price_currency IS NULL));
CREATE INDEX subscriptions_renewing ON subscriptions (expires_at, id) WHERE auto_renewal AND status = 'active';

GRANT SELECT ON ALL TABLES IN SCHEMA public TO turnpike_writer, turnpike_reader;
GRANT INSERT ON promos, promo_uses, gifts, reviews, refunds, rewards, acts, redemptions, periods TO turnpike_writer;
GRANT UPDATE ON promos, promo_uses, gifts, reviews, refunds, rewards TO turnpike_writer;
