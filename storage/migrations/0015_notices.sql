-- How far administrators have been told of what happens: up to which payment, which movement of money, which day.

CREATE TABLE notice_marks (
    name            text        PRIMARY KEY CHECK (length(name) > 0),
    position        bigint      NOT NULL CHECK (position >= 0)
);

CREATE INDEX transfers_of_refunds ON transfers (id) WHERE cause = 'refund';

GRANT SELECT ON ALL TABLES IN SCHEMA public TO turnpike_writer, turnpike_reader;
GRANT INSERT, UPDATE ON notice_marks TO turnpike_writer;
