-- From how many addresses somebody is connected: since when these are more than their plan is for, and when that was said.

ALTER TABLE usage
    ADD online      bigint      NOT NULL DEFAULT 0 CHECK (online >= 0),
    ADD over_since  timestamptz,
    ADD warned_at   timestamptz;
CREATE INDEX usage_online ON usage (subscription_id) WHERE online > 0;
