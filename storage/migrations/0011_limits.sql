-- How much traffic and how many devices a plan is for; and access that is stopped because its traffic is used up.

ALTER TABLE purchases
    ADD traffic         bigint      CHECK (traffic > 0),
    ADD devices         bigint      CHECK (devices > 0);

-- `traffic` is what may be moved from the moment on at which `traffic_from` bytes had been.
ALTER TABLE grants DROP CONSTRAINT grant_as_its_subscription;
ALTER TABLE subscriptions
    DROP CONSTRAINT what_a_grant_says,
    DROP COLUMN on_nodes,
    DROP COLUMN in_grace,
    ADD traffic         bigint      CHECK (traffic >= 0),
    ADD traffic_from    bigint      NOT NULL DEFAULT 0 CHECK (traffic_from >= 0),
    ADD devices         bigint      CHECK (devices > 0),
    ADD stopped         text        CHECK (stopped IN ('off', 'grace')),
    ADD renewal_traffic bigint      CHECK (renewal_traffic > 0),
    ADD CONSTRAINT stopped_while_active CHECK (stopped IS NULL OR status = 'active' AND traffic IS NOT NULL);
ALTER TABLE subscriptions
    ADD on_nodes        boolean     GENERATED ALWAYS AS (status <> 'expired' AND stopped IS DISTINCT FROM 'off') STORED,
    ADD in_grace        boolean     GENERATED ALWAYS AS (status = 'grace' OR stopped IS NOT DISTINCT FROM 'grace') STORED,
    ADD CONSTRAINT what_a_grant_says UNIQUE (id, uuid, generation, on_nodes, in_grace);
ALTER TABLE grants
    ADD CONSTRAINT grant_as_its_subscription FOREIGN KEY (subscription_id, uuid, generation, present, grace)
        REFERENCES subscriptions (id, uuid, generation, on_nodes, in_grace) DEFERRABLE INITIALLY DEFERRED;
