-- Broadcasts (N6): what is said, to whom, and how far it has come. What became of each message stands in the outbox.

CREATE TABLE broadcasts (
    id              bigint      PRIMARY KEY,
    state           text        NOT NULL CHECK (state IN ('draft', 'running', 'paused', 'cancelled', 'done')),
    action          text        NOT NULL CHECK (action IN ('send', 'edit', 'delete')),
    revision        bigint      NOT NULL CHECK (revision >= 0),
    audience        text        NOT NULL
        CHECK (audience IN ('everyone', 'without', 'active', 'trial', 'expired', 'listed')),
    html            text        NOT NULL CHECK (length(html) > 0),
    photo           text,
    buttons         jsonb       NOT NULL,
    created_by      text        NOT NULL CHECK (length(created_by) > 0),
    created_at      timestamptz NOT NULL,
    plan            text,
    language        text,
    node            text,
    chat_id         bigint,
    panel_id        bigint,
    panels          bigint      NOT NULL CHECK (panels >= 0),
    last_number     bigint      NOT NULL,
    since           bigint      NOT NULL,
    passed          bigint      NOT NULL CHECK (passed >= 0),
    reach           bigint      NOT NULL CHECK (reach >= 0),
    sent            bigint      NOT NULL,
    blocked         bigint      NOT NULL,
    failed          bigint      NOT NULL,
    unknown         bigint      NOT NULL,
    dropped         bigint      NOT NULL,
    changed         bigint      NOT NULL,
    unchanged       bigint      NOT NULL,
    started_at      timestamptz,
    ended_at        timestamptz,
    CONSTRAINT a_draft_has_not_started CHECK ((state = 'draft') = (started_at IS NULL)),
    CONSTRAINT ended_when_nothing_follows CHECK (ended_at IS NULL OR state IN ('cancelled', 'done'))
);
CREATE INDEX broadcasts_going_on ON broadcasts (id) WHERE state <> 'draft' AND ended_at IS NULL;

CREATE TABLE listings (
    broadcast_id    bigint      NOT NULL REFERENCES broadcasts,
    user_id         bigint      NOT NULL,
    PRIMARY KEY (broadcast_id, user_id)
);

ALTER TABLE outbox ADD CONSTRAINT part_of_a_broadcast FOREIGN KEY (broadcast_id) REFERENCES broadcasts;

GRANT SELECT ON ALL TABLES IN SCHEMA public TO turnpike_writer, turnpike_reader;
GRANT INSERT ON broadcasts, listings TO turnpike_writer;
GRANT UPDATE ON broadcasts TO turnpike_writer;
