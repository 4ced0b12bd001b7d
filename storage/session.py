"""What each of our database sessions is told when it connects, in one place.

The client decides these settings (through libpq's `options` and keepalive keywords), so they hold on the embedded
server and on anybody's PostgreSQL alike, without touching its configuration. They matter more than the driver:
with the server's defaults a dead peer is noticed after two hours, and a small indexed update is planned as a scan.
"""

from collections.abc import Mapping

from psycopg import conninfo as libpq

STATEMENT_LIMIT_S = 30
"""How long one statement of a reader may run (D2)."""

HEARTBEATS_MISSED = 6
"""After so many missed heartbeats the server ends a writer's session, and with it its claim."""

_CLIENT: Mapping[str, str | int] = {
    # A half-open connection is noticed by us within about 5 s, also while our own data is unacknowledged.
    "keepalives": 1,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 4000,
    "connect_timeout": 10,
}

_EVERYONE: Mapping[str, str] = {
    # The same from the server's side: it lets go of a dead client's locks, busy or idle.
    "tcp_keepalives_idle": "2s",
    "tcp_keepalives_interval": "1s",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "4s",
    "client_connection_check_interval": "500ms",
    # Our data is in memory or on an SSD; the default of 4 makes the planner scan tables to update 64 rows.
    "random_page_cost": "1.1",
    "jit": "off",
    "TimeZone": "UTC",
}

_WRITER: Mapping[str, str] = {
    # One plan for each of the writer's statements; without it the first five executions are planned anew.
    "plan_cache_mode": "force_generic_plan",
    # It looks every row up by a key. A plan made while a table was empty would scan it, and be kept as it grows.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    # The writer awaits nothing else inside a transaction (D1): one that idles belongs to a frozen process.
    "idle_in_transaction_session_timeout": "5s",
}

_READER: Mapping[str, str] = {
    "default_transaction_read_only": "on",
    "statement_timeout": f"{STATEMENT_LIMIT_S}s",
    "idle_in_transaction_session_timeout": f"{STATEMENT_LIMIT_S}s",
}


def writer_conninfo(conninfo: str, *, heartbeat_s: float | None = None) -> str:
    """`conninfo` with the settings of the one writing session.

    A writer that promises to send something at least every `heartbeat_s` seconds has its session ended by the
    server after `HEARTBEATS_MISSED` of them: so a frozen process loses its claim. Without a promise it never does.
    """
    settings = dict(_WRITER)
    if heartbeat_s is not None:
        settings["idle_session_timeout"] = f"{round(heartbeat_s * HEARTBEATS_MISSED * 1000)}ms"
    return _with_settings(conninfo, "turnpike/writer", settings)


def reader_conninfo(conninfo: str) -> str:
    """`conninfo` with the settings of a reading session: read-only, and `STATEMENT_LIMIT_S` for a statement."""
    return _with_settings(conninfo, "turnpike/reader", _READER)


def owner_conninfo(conninfo: str) -> str:
    """`conninfo` with the settings of the owner's sessions: migrations and administration, without time limits."""
    return _with_settings(conninfo, "turnpike/owner", {})


def _with_settings(conninfo: str, application: str, settings: Mapping[str, str]) -> str:
    """Ours first: what the operator wrote into their own `options` or keywords wins."""
    given = libpq.conninfo_to_dict(conninfo)
    ours = " ".join(f"-c {name}={value}" for name, value in {**_EVERYONE, **settings}.items())
    options = f"{ours} {given.get('options') or ''}".strip()
    return libpq.make_conninfo(
        "", **{"application_name": application, **_CLIENT, **given, "options": options}
    )
