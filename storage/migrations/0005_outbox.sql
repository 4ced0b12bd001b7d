-- Messages have a priority, an end, and a mark that is set before one that must not be sent twice is sent.

ALTER TABLE outbox
    ADD COLUMN priority     smallint    NOT NULL DEFAULT 0 CHECK (priority BETWEEN 0 AND 2),
    ADD COLUMN expires_at   timestamptz,
    ADD COLUMN broadcast_id bigint,
    DROP CONSTRAINT outbox_state_check,
    DROP CONSTRAINT outbox_check,
    ADD CONSTRAINT outbox_state_check
        CHECK (state IN ('pending', 'sending', 'sent', 'failed', 'unknown', 'dropped')),
    ADD CONSTRAINT outbox_settled_check CHECK ((state IN ('pending', 'sending')) = (settled_at IS NULL)),
    ADD CONSTRAINT outbox_attempts_check CHECK (attempts >= 0);
ALTER TABLE outbox ALTER COLUMN priority DROP DEFAULT;

-- What is due by priority; who is first in a chat; what makes no sense any more; what was marked when we were killed.
DROP INDEX outbox_pending;
CREATE INDEX outbox_due ON outbox (priority, not_before, id) WHERE state = 'pending';
CREATE INDEX outbox_first ON outbox (chat_id, priority, id) WHERE state IN ('pending', 'sending');
CREATE INDEX outbox_expiring ON outbox (expires_at, id) WHERE state = 'pending';
CREATE INDEX outbox_marked ON outbox (id) WHERE state = 'sending';

-- The messages of a person, of a broadcast, and of the last minute, whose pace counts after a restart.
CREATE INDEX outbox_chat ON outbox (chat_id, id);
CREATE INDEX outbox_broadcast ON outbox (broadcast_id, id) WHERE broadcast_id IS NOT NULL;
CREATE INDEX outbox_settled ON outbox (settled_at) WHERE settled_at IS NOT NULL;
