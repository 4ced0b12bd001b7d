"""Connection strings: which addresses they lead to, what our sessions add, and what is said when nobody answers."""

import socket
from typing import NoReturn

import pytest
import trio
from psycopg.conninfo import conninfo_to_dict

from storage import connection as module
from storage.addresses import DatabaseUnreachable, addresses
from storage.connection import open_connection
from storage.session import reader_conninfo, writer_conninfo


async def found(conninfo: str) -> list[dict[str, object]]:
    return [dict(conninfo_to_dict(address)) for address in await addresses(conninfo)]


async def test_a_socket_and_an_address_are_taken_as_they_are() -> None:
    assert await found("host=/run/postgresql dbname=shop") == [{"host": "/run/postgresql", "dbname": "shop"}]
    assert await found("hostaddr=127.0.0.1 host=db") == [{"hostaddr": "127.0.0.1", "host": "db"}]


async def test_a_name_is_resolved_here_and_kept_for_the_certificate() -> None:
    for address in await found("postgresql://localhost:6543/shop"):
        assert address["host"] == "localhost"
        assert address["hostaddr"] in ("127.0.0.1", "::1")
        assert address["port"] == "6543"


async def test_several_hosts_are_tried_in_their_order() -> None:
    several = await found("host=127.0.0.2,127.0.0.1 port=1,2")
    assert [(each["hostaddr"], each["port"]) for each in several] == [("127.0.0.2", "1"), ("127.0.0.1", "2")]
    shared = await found("host=127.0.0.2,127.0.0.1 port=7")
    assert [each["port"] for each in shared] == ["7", "7"]


class NoNames(trio.abc.HostnameResolver):
    """A resolver that knows no name, without asking a network."""

    async def getaddrinfo(self, *_: object) -> NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def getnameinfo(self, *_: object) -> NoReturn:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("conninfo", "sentence"),
    [
        ("secret-word and more", "is not a connection string of PostgreSQL: expected 'postgresql://"),
        ("host=a,b,c port=1,2 password=secret-word", "names 3 hosts and 2 ports"),
        (
            "host=no-such-host password=secret-word",
            "'no-such-host' was not found (Name or service not known): ",
        ),
        (
            "host=/nonexistent password=secret-word",
            "reached (connection to .*No such file or directory): check",
        ),
    ],
)
async def test_what_cannot_be_reached_is_one_sentence_without_the_password(
    conninfo: str, sentence: str
) -> None:
    with pytest.raises(DatabaseUnreachable, match=sentence.replace("(", r"\(").replace(")", r"\)")) as caught:
        async with open_connection(conninfo):
            pass
    assert "secret-word" not in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_server_that_refuses_is_passed_over_for_the_next(unused_port: int) -> None:
    with pytest.raises(DatabaseUnreachable, match=f"port {unused_port + 1} failed: Connection refused"):
        async with open_connection(f"host=127.0.0.1,127.0.0.1 port={unused_port},{unused_port + 1}"):
            pass


@pytest.fixture
def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


async def test_a_server_that_never_answers_is_given_up(autojump_clock: trio.testing.MockClock) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(DatabaseUnreachable, match=r"cannot be reached \(no answer within 10 s\)"),
    ):
        async with open_connection(f"host=127.0.0.1 port={silent.getsockname()[1]}"):
            pass
    assert trio.current_time() == pytest.approx(module.CONNECT_LIMIT_S)


def test_what_the_operator_wrote_wins_over_our_settings() -> None:
    ours = conninfo_to_dict(reader_conninfo("host=db options='-c statement_timeout=5s' keepalives_idle=60"))
    assert str(ours["options"]).endswith("-c statement_timeout=5s")
    assert "-c statement_timeout=30s" in str(ours["options"])
    assert ours["keepalives_idle"] == "60"
    assert ours["application_name"] == "turnpike/reader"


def test_only_a_writer_that_promises_to_be_heard_is_ended_for_silence() -> None:
    assert "idle_session_timeout" not in writer_conninfo("host=db")
    assert "-c idle_session_timeout=3000ms" in writer_conninfo("host=db", heartbeat_s=0.5)
