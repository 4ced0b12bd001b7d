-- The whole shop: ledger, purchases, access, inbox and outbox.
-- What a table may hold is said here, not in code: constraints are the net under the writer's decisions.
-- `trace` is the causal id of what wrote a row: whoever works on the row later goes on under it, in logs too.

-- Roles belong to the whole cluster; another database's migration may make them at the same moment.
DO $$ BEGIN CREATE ROLE turnpike_writer LOGIN NOINHERIT;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
DO $$ BEGIN CREATE ROLE turnpike_reader LOGIN NOINHERIT;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;

GRANT turnpike_writer, turnpike_reader TO CURRENT_USER;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO turnpike_writer, turnpike_reader;

-- Claim (F16): every transaction of the writer holds this row FOR SHARE with the epoch that it took over with.
CREATE TABLE writer_claim (
    single      boolean     PRIMARY KEY DEFAULT true CHECK (single),
    epoch       bigint      NOT NULL,
    holder      text        NOT NULL,
    taken_at    timestamptz NOT NULL
);
CREATE FUNCTION assert_claim(expected bigint) RETURNS void LANGUAGE plpgsql AS $claim$
BEGIN
    PERFORM FROM writer_claim WHERE epoch = expected FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'another process has taken over this database' USING ERRCODE = 'TP001';
    END IF;
END
$claim$;
INSERT INTO writer_claim (epoch, holder, taken_at) VALUES (0, 'nobody yet', '1970-01-01T00:00:00Z');

CREATE TABLE users (
    id                  bigint      PRIMARY KEY,
    first_name          text        NOT NULL,
    username            text,
    language            text,
    created_at          timestamptz NOT NULL,
    unreachable_since   timestamptz
);

-- Ledger (F8): accounts are posted by a trigger from transfers; nobody may write a sum.
CREATE TABLE accounts (
    id          bigint  PRIMARY KEY,
    kind        text    NOT NULL,
    owner       bigint  NOT NULL,
    currency    text    NOT NULL,
    debits      bigint  NOT NULL DEFAULT 0 CHECK (debits >= 0),
    credits     bigint  NOT NULL DEFAULT 0 CHECK (credits >= 0),
    UNIQUE (kind, owner, currency),
    CONSTRAINT balance_never_negative CHECK (kind <> 'balance' OR credits >= debits),
    CONSTRAINT only_balances_belong_to_users CHECK ((kind = 'balance') = (owner <> 0))
) WITH (fillfactor = 70);
CREATE INDEX accounts_owner ON accounts (owner);

CREATE TABLE transfers (
    id          bigint      PRIMARY KEY,
    debit       bigint      NOT NULL,
    credit      bigint      NOT NULL,
    amount      bigint      NOT NULL CHECK (amount > 0),
    amount_currency text    NOT NULL,
    cause       text        NOT NULL,
    cause_id    bigint      NOT NULL,
    created_at  timestamptz NOT NULL,
    CHECK (debit <> credit),
    CONSTRAINT one_transfer_for_a_cause UNIQUE (cause, cause_id)
);

CREATE FUNCTION post_transfers() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $post$
DECLARE
    wanted  bigint;
    posted  bigint;
BEGIN
    WITH sums AS (
        SELECT account, currency, sum(debited) AS debited, sum(credited) AS credited
        FROM (
            SELECT debit AS account, amount_currency AS currency, amount AS debited, 0 AS credited FROM arrived
            UNION ALL
            SELECT credit, amount_currency, 0, amount FROM arrived
        ) AS sides
        GROUP BY account, currency
    ), updated AS (
        UPDATE accounts SET debits = debits + debited, credits = credits + credited
        FROM sums WHERE accounts.id = sums.account AND accounts.currency = sums.currency
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM sums), (SELECT count(*) FROM updated) INTO wanted, posted;
    IF wanted <> posted THEN
        RAISE EXCEPTION 'a transfer names an account that does not exist in its currency'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END
$post$;
CREATE TRIGGER post AFTER INSERT ON transfers
    REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION post_transfers();

-- Money's history is append-only for everybody, the owner of the tables included.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $refuse$
BEGIN
    RAISE EXCEPTION '% is append-only: correct it with a new row', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$refuse$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON transfers
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE purchases (
    id                  bigint      PRIMARY KEY,
    user_id             bigint      NOT NULL REFERENCES users,
    kind                text        NOT NULL CHECK (kind IN ('plan', 'top_up')),
    item                text        NOT NULL,
    title               text        NOT NULL,
    provider            text        NOT NULL CHECK (provider IN ('stars', 'cryptopay', 'balance')),
    price               bigint      NOT NULL CHECK (price > 0),
    price_currency      text        NOT NULL,
    duration_seconds    bigint      CHECK (duration_seconds > 0),
    credit              bigint      CHECK (credit > 0),
    credit_currency     text,
    status              text        NOT NULL CHECK (status IN ('invoiced', 'paid')),
    created_at          timestamptz NOT NULL,
    invoice_id          text,
    invoice_url         text,
    paid_at             timestamptz,
    CONSTRAINT gives_time_or_money CHECK ((kind = 'plan') = (duration_seconds IS NOT NULL)
        AND (kind = 'top_up') = (credit IS NOT NULL) AND (credit IS NULL) = (credit_currency IS NULL)),
    CHECK ((status = 'paid') = (paid_at IS NOT NULL)),
    UNIQUE (provider, invoice_id)
);
CREATE INDEX purchases_user ON purchases (user_id, id);
CREATE INDEX purchases_awaited ON purchases (id) WHERE status = 'invoiced' AND invoice_id IS NOT NULL;

CREATE TABLE payments (
    id              bigint      PRIMARY KEY,
    provider        text        NOT NULL CHECK (provider IN ('stars', 'cryptopay', 'balance')),
    charge_id       text        NOT NULL,
    purchase_id     bigint      REFERENCES purchases,
    user_id         bigint,
    amount          bigint      NOT NULL CHECK (amount > 0),
    amount_currency text        NOT NULL,
    outcome         text        NOT NULL CHECK (outcome IN
        ('accepted', 'unknown_purchase', 'duplicate', 'underpaid', 'overpaid', 'wrong_currency')),
    transfer_id     bigint      NOT NULL UNIQUE REFERENCES transfers,
    created_at      timestamptz NOT NULL,
    trace           text,
    CONSTRAINT one_payment_for_a_charge UNIQUE (provider, charge_id),
    CHECK (outcome <> 'accepted' OR purchase_id IS NOT NULL)
);
CREATE UNIQUE INDEX one_accepted_payment_for_a_purchase ON payments (purchase_id) WHERE outcome = 'accepted';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON payments
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Access (I1): a subscription always has its UUID. Xray ignores bytes 6 and 7 of a UUID, so uniqueness does too.
CREATE FUNCTION xray_identity(uuid) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN overlay(replace($1::text, '-', '') PLACING '0000' FROM 13 FOR 4);

CREATE TABLE subscriptions (
    id          bigint      PRIMARY KEY,
    user_id     bigint      NOT NULL UNIQUE REFERENCES users,
    uuid        uuid        NOT NULL,
    token       text        NOT NULL UNIQUE CHECK (length(token) >= 22),
    status      text        NOT NULL CHECK (status IN ('active', 'expired')),
    title       text        NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL
);
CREATE UNIQUE INDEX subscriptions_identity ON subscriptions (xray_identity(uuid));
CREATE INDEX subscriptions_due ON subscriptions (expires_at, id) WHERE status = 'active';

CREATE TABLE grants (
    subscription_id bigint  PRIMARY KEY REFERENCES subscriptions,
    uuid            uuid    NOT NULL,
    present         boolean NOT NULL,
    version         bigint  NOT NULL CHECK (version > 0),
    ready           boolean NOT NULL,
    trace           text,
    CHECK (present OR NOT ready)
);

CREATE TABLE provisions (
    subscription_id bigint      NOT NULL REFERENCES grants,
    node            text        NOT NULL,
    version         bigint      NOT NULL,
    present         boolean     NOT NULL,
    confirmed_at    timestamptz NOT NULL,
    PRIMARY KEY (subscription_id, node)
);

CREATE TABLE outbox (
    id          bigint      PRIMARY KEY,
    chat_id     bigint      NOT NULL,
    key         text        NOT NULL,
    kind        text        NOT NULL,
    body        jsonb       NOT NULL,
    created_at  timestamptz NOT NULL,
    not_before  timestamptz NOT NULL,
    state       text        NOT NULL CHECK (state IN ('pending', 'sent', 'failed', 'unknown')),
    attempts    integer     NOT NULL,
    message_id  bigint,
    error       text,
    settled_at  timestamptz,
    trace       text,
    CONSTRAINT one_message_for_a_fact UNIQUE (key),
    CHECK ((state = 'pending') = (settled_at IS NULL))
);
CREATE INDEX outbox_pending ON outbox (chat_id, id) WHERE state = 'pending';

CREATE TABLE updates (
    id          bigint      PRIMARY KEY,
    chat_id     bigint      NOT NULL,
    body        text        NOT NULL,
    received_at timestamptz NOT NULL,
    attempts    integer     NOT NULL,
    done_at     timestamptz,
    error       text,
    trace       text
);
CREATE INDEX updates_waiting ON updates (chat_id, id) WHERE done_at IS NULL;

CREATE TABLE answers (
    key         text        PRIMARY KEY,
    command     text        NOT NULL,
    reply       jsonb       NOT NULL,
    created_at  timestamptz NOT NULL
);

-- Roles (F15): the writer writes what its decisions write and no sum of the ledger; everybody else reads.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO turnpike_writer, turnpike_reader;
GRANT UPDATE ON writer_claim TO turnpike_writer;
GRANT INSERT ON users, accounts, transfers, purchases, payments, subscriptions, grants, provisions, outbox,
    updates, answers TO turnpike_writer;
GRANT UPDATE ON users, purchases, subscriptions, grants, provisions, outbox, updates TO turnpike_writer;
