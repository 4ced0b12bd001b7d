"""What the documentation says is proved is proved."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
DOCUMENT = (TESTS.parents[1] / "docs" / "runtime.md").read_text()
OTP_TABLE = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in DOCUMENT.partition("| proved by |")[2].partition("\n\n")[0].splitlines()[2:]
]


def test_every_test_that_the_documentation_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", DOCUMENT))
    source = "".join(path.read_text() for path in TESTS.glob("test_*.py"))
    defined = set(re.findall(r"^(?:async )?def (test_\w+)", source, re.MULTILINE))
    assert len(named) > 30, "most of what the table says is proved by a test"
    assert named <= defined, f"not to be found: {', '.join(sorted(named - defined))}"


@pytest.mark.parametrize(("otp", "here", "proof"), OTP_TABLE, ids=[otp for otp, *_ in OTP_TABLE])
def test_what_a_user_of_otp_finds_here_is_proved(otp: str, here: str, proof: str) -> None:
    nothing_to_prove = here.startswith("none") and proof == "–"
    assert nothing_to_prove or re.fullmatch(r"`test_\w+`(, `test_\w+`)*", proof)
