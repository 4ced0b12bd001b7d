"""Bytes that a node understands, and none that would end it."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.xray import messages
from integrations.xray.interface import Traffic
from integrations.xray.node import BadUser, NodeUser
from integrations.xray.transport import VISION
from integrations.xray.wire import BadAnswer

USER = NodeUser("s1.1", UUID("6f9619ff-8b86-4011-b42d-00c04fc964ff"), VISION)

# The bytes are Xray's wire format written out by hand, so a slip in a field number cannot hide in a round trip.
ENVELOPE = (
    b"\x0a\x18xray.proxy.vless.Account"
    b"\x12\x38\x0a\x246f9619ff-8b86-4011-b42d-00c04fc964ff\x12\x10xtls-rprx-vision"
)
USER_BYTES = b"\x12\x04s1.1\x1a\x54" + ENVELOPE
ADD = (
    b"\x0a\x05vless\x12\x8c\x01\x0a\x2axray.app.proxyman.command.AddUserOperation\x12\x5e\x0a\x5c"
    + USER_BYTES
)
REMOVE = b"\x0a\x05vless\x12\x37\x0a\x2dxray.app.proxyman.command.RemoveUserOperation\x12\x06\x0a\x04s1.1"


def test_requests_are_xray_s_bytes() -> None:
    assert messages.add_user("vless", USER) == ADD
    assert messages.remove_user("vless", "s1.1") == REMOVE
    assert messages.inbound_users("vless", "s1.1") == b"\x0a\x05vless\x12\x04s1.1"
    assert messages.inbound_users("vless") == b"\x0a\x05vless"
    assert messages.online_addresses("s1.1") == b"\x0a\x14user>>>s1.1>>>online"
    assert messages.unblock_user("s1.1") == b"\x0a\x11turnpike.off.s1.1"
    blackhole = b"\x1a\x1d\x0a\x1bxray.proxy.blackhole.Config"
    assert messages.mark_epoch("ab") == b"\x0a\x30\x0a\x0fturnpike.run.ab" + blackhole


def test_reading_what_was_moved_never_sets_it_back() -> None:
    """The node zeroes first and answers then: an answer that is lost would be traffic that is lost."""
    assert messages.traffic() == b"\x0a\x07user>>>"


def test_a_rule_that_blocks_names_one_user_and_leaves_the_other_rules_in_place() -> None:
    """One without a user would be for everybody, and one that is not appended replaces all."""
    rule = b"\x0a\x05block\x3a\x04s1.1\x9a\x01\x11turnpike.off.s1.1"
    config = b"\x0a\x16xray.app.router.Config\x12\x23\x12\x21" + rule
    assert messages.block_user("s1.1") == b"\x0a\x3d" + config + b"\x10\x01"
    for email in ("", "regexp:.*", "Ann"):
        with pytest.raises(BadUser):
            messages.block_user(email)
    with pytest.raises(BadUser):
        messages.unblock_user("")


def test_a_rule_that_keeps_somebody_out_names_them_and_one_address() -> None:
    for address, network in (
        ("192.0.2.7", b"\x0a\x04\xc0\x00\x02\x07\x10\x20"),
        ("2001:db8::7", b"\x0a\x10\x20\x01\x0d\xb8" + bytes(11) + b"\x07\x10\x80\x01"),
    ):
        source = b"\x0a" + bytes([len(network)]) + network
        source = b"\x12" + bytes([len(source)]) + source
        tag = f"turnpike.device.s1.1@{address}".encode()
        named = b"\x0a\x05block\x3a\x04s1.1\x5a" + bytes([len(source)]) + source
        assert named + b"\x9a\x01" + bytes([len(tag)]) + tag in messages.keep_out("s1.1", address)
        assert messages.keep_out("s1.1", address).endswith(b"\x10\x01"), "it leaves the other rules in place"
        listed = b"\x12" + bytes([len(tag)]) + tag
        assert messages.read_kept_out(b"\x0a" + bytes([len(listed)]) + listed) == {("s1.1", address)}
    for email, address in (("", "192.0.2.7"), ("regexp:.*", "192.0.2.7"), ("s1", ""), ("s1", "192.0.2.0/24")):
        with pytest.raises(BadUser):
            messages.keep_out(email, address)


def test_answers_are_read() -> None:
    assert list(messages.read_users(b"\x0a\x5c" + USER_BYTES)) == [USER]
    assert messages.read_count(b"\x08\xa0\x8d\x06") == 100_000
    assert messages.read_uptime(b"\x50\x07") == 7
    online = b"\x0a\x04name\x12\x0f\x0a\x0a" + b"192.0.2.77" + b"\x10\xb9\x60"
    assert messages.read_online_addresses(online) == {"192.0.2.77"}
    user = b"\x0a\x14\x0a\x04s1.1\x12\x0c\x0a\x0a192.0.2.77"
    assert dict(messages.read_online_users(user)) == {"s1.1": {"192.0.2.77"}}
    listed = b"\x0a\x08\x0a\x06direct\x0a\x11\x0a\x0fturnpike.run.ab"
    assert messages.read_epoch(listed) == "ab"
    assert messages.read_epoch(listed[:10]) is None
    theirs = b"\x0a\x0c\x0a\x05block\x12\x03ads"
    assert messages.read_blocked(theirs + b"\x0a\x1a\x0a\x05block\x12\x11turnpike.off.s1.1") == {"s1.1"}


def test_counters_of_each_direction_are_read_and_others_left_out() -> None:
    def counter(name: bytes, value: bytes) -> bytes:
        body = b"\x0a" + bytes([len(name)]) + name + b"\x10" + value
        return b"\x0a" + bytes([len(body)]) + body

    answer = (
        counter(b"user>>>s1>>>traffic>>>uplink", b"\x05")
        + counter(b"user>>>s1>>>traffic>>>downlink", b"\xb9\x60")
        + counter(b"user>>>s1>>>online", b"\x01")
    )
    assert list(messages.read_traffic(answer)) == [("s1", Traffic(up=5)), ("s1", Traffic(down=12345))]


def test_the_node_s_way_of_saying_nobody_is_nobody() -> None:
    assert list(messages.read_users(b"")) == []
    assert list(messages.read_users(b"\x0a\x00")) == []


def test_an_uptime_of_less_than_a_second_is_not_sent_by_the_node() -> None:
    assert messages.read_uptime(b"") == 0


def test_a_user_that_we_would_never_send_is_read_all_the_same() -> None:
    """Somebody else may have put it there, and it must be possible to see and remove it."""
    foreign = b"\x08\x03\x12\x04Bob \x1a\x54" + ENVELOPE
    (user,) = messages.read_users(b"\x0a\x5e" + foreign)
    assert user == NodeUser("Bob ", USER.uuid, VISION, level=3)


@pytest.mark.parametrize(
    ("answer", "what_is_wrong"),
    [
        (b"\xff\xff", "2 bytes are not a GetInboundUserResponse"),
        (b"\x0a\x03\x12\x01a", "account of type '', expected VLESS"),
        (b"\x0a\x5c" + USER_BYTES.replace(b"6f9619ff", b"not-hexa"), "identifier that is not a UUID"),
    ],
)
def test_an_answer_that_is_not_one_is_said_to_be_bad(answer: bytes, what_is_wrong: str) -> None:
    with pytest.raises(BadAnswer, match=what_is_wrong):
        list(messages.read_users(answer))


@given(st.text(max_size=70), st.uuids(), st.text(max_size=20), st.integers(-1, 5))
def test_every_user_that_can_be_expressed_is_sent_whole_or_refused(
    email: str, uuid: UUID, flow: str, level: int
) -> None:
    """A node dies of an operation without content and of accounts of other protocols: neither can be written."""
    try:
        request = messages.add_user("vless", NodeUser(email, uuid, flow, level))
    except BadUser:
        return
    assert request.startswith(b"\x0a\x05vless\x12")
    assert b"xray.proxy.vless.Account" in request
    assert str(uuid).encode() in request


def test_requests_that_end_a_node_have_no_function() -> None:
    """Whoever adds one (AddInbound, say) has to think of the guard: an inbound without settings ends the node."""
    public = {
        name
        for name, value in vars(messages).items()
        if callable(value) and value.__module__ == messages.__name__
    }
    requests = {name for name in public if not name.startswith(("_", "read_", "Bad"))}
    assert requests == {
        "add_user",
        "remove_user",
        "inbound_users",
        "mark_epoch",
        "block_user",
        "unblock_user",
        "keep_out",
        "let_in",
        "traffic",
        "online_addresses",
    }
    methods = {
        value.rpartition("/")[2] for value in vars(messages).values() if str(value).startswith("/xray.app.")
    }
    assert methods - {""} == {
        "AlterInbound",
        "GetInboundUsers",
        "GetInboundUsersCount",
        "AddOutbound",
        "ListOutbounds",
        "AddRule",
        "RemoveRule",
        "ListRule",
        "GetSysStats",
        "QueryStats",
        "GetStatsOnlineIpList",
        "GetUsersStats",
    }


def test_a_change_names_its_inbound() -> None:
    with pytest.raises(AssertionError, match="names its inbound"):
        messages.remove_user("", "s1.1")
