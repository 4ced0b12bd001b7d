"""Nobody asks more often than they may, and nobody can speak for somebody else."""

from ipaddress import ip_network

import pytest

from integrations.rate_limit import RateLimit, client_address

LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]
BEHIND_TWO = [*LOOPBACK, ip_network("198.51.100.0/24")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "192.0.2.1", "203.0.113.9"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "192.0.2.1", "192.0.2.1"),
        ("127.0.0.1", "192.0.2.66, 192.0.2.1", "192.0.2.1"),
        ("127.0.0.1", "192.0.2.1, 127.0.0.1", "192.0.2.1"),
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("127.0.0.1", "192.0.2.1, ", "127.0.0.1"),
        ("", "192.0.2.1", ""),
        ("2001:db8:1:2:3::4", "", "2001:db8:1:2::/64"),
        ("::1", "2001:db8:1:2:ffff::4", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "", "192.0.2.7"),
    ],
)
def test_only_our_own_proxies_say_where_a_request_comes_from(peer: str, forwarded: str, address: str) -> None:
    assert client_address(peer, forwarded, LOOPBACK) == address


def test_a_chain_of_our_own_proxies_is_followed_to_whoever_is_not_ours() -> None:
    assert client_address("127.0.0.1", "192.0.2.66, 192.0.2.1, 198.51.100.7", BEHIND_TWO) == "192.0.2.1"
    assert client_address("127.0.0.1", "192.0.2.1, 198.51.100.7", LOOPBACK) == "198.51.100.7"


def test_a_burst_passes_and_then_the_pace() -> None:
    limit = RateLimit(burst=3, per_second=0.5, addresses=10)
    assert [limit.take("a", 0.0) for _ in range(4)] == [0, 0, 0, 2]
    assert limit.take("a", 1.0) == 1
    assert limit.take("a", 2.0) == 0
    assert limit.take("a", 2.0) == 2
    assert [limit.take("a", 1000.0) for _ in range(4)] == [0, 0, 0, 2]


def test_asking_while_it_is_refused_does_not_make_it_longer() -> None:
    limit = RateLimit(burst=1, per_second=1.0, addresses=10)
    assert limit.take("a", 0.0) == 0
    assert [limit.take("a", 0.5) for _ in range(100)] == [0.5] * 100
    assert limit.take("a", 1.0) == 0


def test_one_address_does_not_use_up_what_another_may() -> None:
    limit = RateLimit(burst=1, per_second=1.0, addresses=10)
    assert (limit.take("a", 0.0), limit.take("b", 0.0), limit.take("a", 0.0)) == (0, 0, 1)


def test_memory_is_bounded_and_who_asks_on_is_not_forgotten() -> None:
    limit = RateLimit(burst=1, per_second=0.001, addresses=100)
    limit.take("busy", 0.0)
    for number in range(10_000):
        limit.take(str(number), 0.0)
        assert limit.take("busy", 0.0) > 0
    assert len(limit) == 100
