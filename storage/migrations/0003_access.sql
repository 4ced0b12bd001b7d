-- Access that can be followed: the changes of all grants in one order, how long each has waited, and a record of orphans.

-- A node that has confirmed every change up to a number goes on from there, and reads nothing that it has again.
ALTER TABLE grants
    ADD change      bigint,
    ADD decided_at  timestamptz;
UPDATE grants SET change = numbered.change, decided_at = numbered.created_at
    FROM (SELECT s.id, s.created_at, row_number() OVER (ORDER BY s.id) AS change FROM subscriptions s) AS numbered
    WHERE numbered.id = grants.subscription_id;
ALTER TABLE grants
    ALTER change SET NOT NULL,
    ALTER decided_at SET NOT NULL,
    ADD CONSTRAINT one_grant_for_a_change UNIQUE (change);
CREATE INDEX grants_waiting ON grants (subscription_id) WHERE present AND NOT ready;

-- Whom a node had and nobody should (U5): noted before the removal, and once more when the node had confirmed it.
CREATE TABLE orphans (
    node        text        NOT NULL,
    name        text        NOT NULL,
    uuid        uuid        NOT NULL,
    found_at    timestamptz NOT NULL,
    removed_at  timestamptz,
    PRIMARY KEY (node, name)
);
GRANT SELECT ON ALL TABLES IN SCHEMA public TO turnpike_writer, turnpike_reader;
GRANT INSERT, UPDATE ON orphans TO turnpike_writer;
