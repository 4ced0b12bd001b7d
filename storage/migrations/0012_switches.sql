-- Kill switches: functions of the shop and workers that an operator has switched off, or on again. What has no row is on.

CREATE TABLE switches (
    name            text        PRIMARY KEY CHECK (length(name) > 0),
    switched_on     boolean     NOT NULL,
    changed_by      text        NOT NULL CHECK (length(changed_by) > 0),
    reason          text        NOT NULL,
    changed_at      timestamptz NOT NULL
);

GRANT SELECT ON ALL TABLES IN SCHEMA public TO turnpike_writer, turnpike_reader;
GRANT INSERT, UPDATE ON switches TO turnpike_writer;
