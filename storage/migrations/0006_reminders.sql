-- Reminders: when the next one of a subscription is due. Those that were there before are looked at once.

ALTER TABLE subscriptions
    ADD recurring   boolean     NOT NULL DEFAULT false,
    ADD remind_at   timestamptz;
UPDATE subscriptions SET remind_at = created_at;
CREATE INDEX subscriptions_reminding ON subscriptions (trial, remind_at, id) WHERE remind_at IS NOT NULL;
