-- What people move, counted from the counters of nodes. These begin at nothing in each run of a node and are never set
-- back by us; a total and the counter up to which it is right are one row, so they are never apart.

-- The runs of nodes from which counters were read, numbered in the order in which they were met.
CREATE TABLE node_runs (
    node        text        NOT NULL,
    epoch       text        NOT NULL,
    number      bigint      NOT NULL UNIQUE CHECK (number > 0),
    met_at      timestamptz NOT NULL,
    PRIMARY KEY (node, epoch),
    UNIQUE (node, number)
);

-- Bytes of a subscription on a node: from its user to the world (up) and to its user (down), in all runs together, and
-- the counters of the run that was read last.
CREATE TABLE node_usage (
    subscription_id bigint      NOT NULL REFERENCES subscriptions,
    node            text        NOT NULL,
    run             bigint      NOT NULL,
    seen_up         bigint      NOT NULL CHECK (seen_up >= 0),
    seen_down       bigint      NOT NULL CHECK (seen_down >= 0),
    up              bigint      NOT NULL CHECK (up >= seen_up),
    down            bigint      NOT NULL CHECK (down >= seen_down),
    read_at         timestamptz NOT NULL,
    PRIMARY KEY (subscription_id, node),
    FOREIGN KEY (node, run) REFERENCES node_runs (node, number)
);

-- The same on all nodes together.
CREATE TABLE usage (
    subscription_id bigint      PRIMARY KEY REFERENCES subscriptions,
    up              bigint      NOT NULL CHECK (up >= 0),
    down            bigint      NOT NULL CHECK (down >= 0)
);

-- No total ever shrinks, and no counter goes back within a run of its node.
CREATE FUNCTION refuse_less_usage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'usage of subscription % on % shrinks', OLD.subscription_id, OLD.node
        USING ERRCODE = 'check_violation';
END
$$;
CREATE TRIGGER usage_only_grows BEFORE UPDATE ON node_usage FOR EACH ROW
    WHEN (NEW.up < OLD.up OR NEW.down < OLD.down OR NEW.run < OLD.run
        OR NEW.run = OLD.run AND (NEW.seen_up < OLD.seen_up OR NEW.seen_down < OLD.seen_down))
    EXECUTE FUNCTION refuse_less_usage();

GRANT SELECT ON ALL TABLES IN SCHEMA public TO turnpike_writer, turnpike_reader;
GRANT INSERT ON node_runs, node_usage, usage TO turnpike_writer;
GRANT UPDATE ON node_usage, usage TO turnpike_writer;
