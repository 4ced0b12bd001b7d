-- Keys that are reissued, and a time of grace after the end in which people reach only what it takes to pay.

ALTER TABLE subscriptions
    DROP CONSTRAINT subscriptions_status_check,
    ADD CONSTRAINT subscription_in_a_state CHECK (status IN ('active', 'grace', 'expired')),
    ADD generation  bigint      NOT NULL DEFAULT 0 CHECK (generation >= 0),
    ADD reissued_at timestamptz,
    ADD on_nodes    boolean     GENERATED ALWAYS AS (status <> 'expired') STORED,
    ADD in_grace    boolean     GENERATED ALWAYS AS (status = 'grace') STORED,
    ADD CONSTRAINT what_a_grant_says UNIQUE (id, uuid, generation, on_nodes, in_grace);
CREATE INDEX subscriptions_in_grace ON subscriptions (expires_at, id) WHERE status = 'grace';

ALTER TABLE provisions
    ADD generation  bigint      NOT NULL DEFAULT 0,
    ADD grace       boolean     NOT NULL DEFAULT false;

-- Every subscription has its grant, and it never says anything else (I1, I2): active is to be on the nodes, ended is not.
ALTER TABLE grants
    ADD generation  bigint      NOT NULL DEFAULT 0,
    ADD grace       boolean     NOT NULL DEFAULT false,
    ADD CONSTRAINT grant_as_its_subscription FOREIGN KEY (subscription_id, uuid, generation, present, grace)
        REFERENCES subscriptions (id, uuid, generation, on_nodes, in_grace) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE subscriptions
    ADD CONSTRAINT subscription_has_a_grant FOREIGN KEY (id) REFERENCES grants DEFERRABLE INITIALLY DEFERRED;

CREATE INDEX orphans_begun ON orphans (node, name) WHERE removed_at IS NULL;

ALTER TABLE acts
    DROP CONSTRAINT acts_kind_check,
    ADD CONSTRAINT act_of_a_kind CHECK (kind IN ('grant', 'adjust', 'revoke', 'promo', 'reissue'));
