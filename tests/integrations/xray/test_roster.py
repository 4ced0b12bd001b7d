"""A node that starts with its users in its configuration, however many they are."""

import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from integrations.xray.driver import open_driver
from integrations.xray.node import NodeUser, server_config
from integrations.xray.process import open_xray
from integrations.xray.roster import clients_of, write_config
from tests.fixtures.xray import new_user, plain_node


async def streamed(users: Iterable[NodeUser]) -> AsyncIterator[NodeUser]:
    """Users as they come from a database."""
    for user in users:
        yield user


def many(count: int) -> list[NodeUser]:
    """Users with different credentials."""
    return [NodeUser(f"s{number}", UUID(int=number << 80)) for number in range(count)]


@pytest.mark.requirement("U4")
async def test_a_node_has_its_users_from_its_first_moment(tmp_path: Path) -> None:
    node = plain_node(tmp_path)
    users = many(20_000)
    config = server_config(node, listen="127.0.0.1")
    clients = clients_of(streamed(users))
    async with (
        open_xray(config, name=node.name, folder=tmp_path, clients=clients),
        open_driver(node) as driver,
    ):
        assert await driver.users() == {user.email: user for user in users}


async def test_whom_a_node_would_mishandle_is_left_out_and_does_not_keep_it_from_starting(
    tmp_path: Path,
) -> None:
    node = plain_node(tmp_path)
    ann = new_user(node, "ann")
    bad = [
        replace(ann, email="Ghost"),
        replace(ann, email="look.alike"),
        new_user(node, "ann"),
        replace(new_user(node, "bob"), level=3),
    ]
    clients = clients_of(streamed([ann, *bad, new_user(node, "zoe")]))
    config = server_config(node, listen="127.0.0.1")
    async with (
        open_xray(config, name=node.name, folder=tmp_path, clients=clients),
        open_driver(node) as driver,
    ):
        assert (await driver.users()).keys() == {"ann", "zoe"}
        assert (await driver.users())["ann"] == ann


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1000, 1250])
async def test_the_file_is_what_it_would_be_if_written_in_one_go(tmp_path: Path, count: int) -> None:
    node = plain_node(tmp_path)
    users = many(count)
    path = tmp_path / "config.json"
    assert await write_config(path, server_config(node), clients_of(streamed(users))) == count
    assert json.loads(path.read_bytes()) == server_config(node, users=users)
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_configuration_without_clients_is_written_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    assert await write_config(path, {"log": {"access": "none"}}) == 0
    assert json.loads(path.read_bytes()) == {"log": {"access": "none"}}
