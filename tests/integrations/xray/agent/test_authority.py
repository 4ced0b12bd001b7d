"""Certificates of a shop's own: what lies where, who can read it, and what a machine accepts."""

import ssl
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from integrations.xray.agent.authority import Authority, BadEnrolment, accept, accepted
from integrations.xray.agent.portable import without_files
from integrations.xray.node import server_config
from integrations.xray.transport import Tls
from tests.fixtures.agents import authority_in
from tests.fixtures.xray import SITE, plain_node, write_certificate

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_only_the_owner_reads_what_an_enrolment_leaves_on_both_sides(tmp_path: Path) -> None:
    _, (enrolment,) = authority_in(tmp_path, "far")
    machine = tmp_path / "machine"
    machine.mkdir()
    accept(enrolment, machine)
    assert (tmp_path / "agents").stat().st_mode & 0o777 == 0o700
    files = [*(tmp_path / "agents").iterdir(), *machine.iterdir()]
    assert len(files) == 8
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_a_machine_has_nothing_of_the_authority_s_key(tmp_path: Path) -> None:
    _, (enrolment,) = authority_in(tmp_path, "far")
    machine = tmp_path / "machine"
    machine.mkdir()
    accept(enrolment, machine)
    secret = (tmp_path / "agents" / "authority.key").read_bytes()
    assert not [file for file in machine.iterdir() if file.read_bytes() == secret]


def test_before_the_first_enrolment_there_is_nothing(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "agents")
    assert authority.panel() is None
    assert authority.node_certificate("far") is None
    assert accepted(tmp_path) is None
    assert not (tmp_path / "agents").exists()


def test_a_second_enrolment_keeps_the_authority_and_the_panel_and_makes_another_certificate(
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path / "agents")
    authority.enrol("far", NOW)
    panel = authority.panel()
    assert panel is not None
    before = panel.certificate.read_bytes(), panel.authority.read_bytes()
    first = authority.node_certificate("far")
    authority.enrol("far", NOW)
    assert (panel.certificate.read_bytes(), panel.authority.read_bytes()) == before
    assert authority.node_certificate("far") != first


def test_what_was_copied_with_line_breaks_is_taken_and_what_was_cut_is_not(tmp_path: Path) -> None:
    enrolment = Authority(tmp_path / "agents").enrol("far", NOW)
    wrapped = "\n".join(enrolment[at : at + 76] for at in range(0, len(enrolment), 76))
    identity = accept(f"  {wrapped}\n", tmp_path)
    assert accepted(tmp_path) == identity
    assert identity.name == "far.node.turnpike"
    identity.tls(ssl.PROTOCOL_TLS_SERVER)
    for bad in (
        "",
        "hello",
        enrolment[:-9],
        enrolment.removeprefix("turnpike"),
        "turnpike-node:AAAA",
        enrolment + "é",
    ):
        with pytest.raises(BadEnrolment, match="copy all of it") as caught:
            accept(bad, tmp_path)
        assert enrolment[20:60] not in str(caught.value)


def test_a_configuration_for_another_machine_holds_the_certificates_themselves(tmp_path: Path) -> None:
    files = write_certificate(tmp_path)
    node = replace(plain_node(tmp_path), security=Tls(SITE))
    config = without_files(server_config(node, files))
    assert str(tmp_path / SITE) not in str(config)
    [inbound] = cast(list[dict[str, Any]], config["inbounds"])
    [pair] = inbound["streamSettings"]["tlsSettings"]["certificates"]
    assert "\n".join(pair["certificate"]) + "\n" == files.certificate.read_text()
    assert "\n".join(pair["key"]) + "\n" == files.key.read_text()
    plain = server_config(plain_node(tmp_path))
    assert without_files(plain) == plain
