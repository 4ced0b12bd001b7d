"""The sandbox's store forgets nothing that a killed process wrote, and nothing half of a transaction."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from integrations.sandbox_store import Store, StoreError


class Thing(msgspec.Struct):
    """A document."""

    name: str
    size: int = 0


def test_documents_come_back_in_the_order_of_their_keys() -> None:
    things = Store(None).collection("things", Thing)
    for key in (10, 9, 100, "b", "a"):
        things.put(key, Thing(str(key)))
    assert [key for key, _ in things.items()] == [9, 10, 100, "a", "b"]
    assert [key for key, _ in things.items(after=9, limit=2)] == [10, 100]
    assert [key for key, _ in things.items(after=9, before="b")] == [10, 100, "a"]
    assert [key for key, _ in things.last(2)] == ["a", "b"]
    assert things.count() == 5


def test_a_document_that_was_read_is_a_copy() -> None:
    things = Store(None).collection("things", Thing)
    things.put(1, Thing("one"))
    read = things.get(1)
    assert read is not None
    read.size = 5
    assert things.get(1) == Thing("one")


def test_what_is_put_again_replaces_and_what_is_deleted_is_gone() -> None:
    things = Store(None).collection("things", Thing)
    things.put(1, Thing("one"))
    things.put(1, Thing("uno"))
    things.put(2, Thing("two"))
    things.delete(2)
    things.delete(3)
    assert things.items() == [(1, Thing("uno"))]


def test_collections_of_other_names_do_not_meet() -> None:
    store = Store(None)
    store.collection("a", Thing).put(1, Thing("one"))
    assert store.collection("b", Thing).get(1) is None


def test_a_failed_transaction_leaves_nothing() -> None:
    store = Store(None)
    things = store.collection("things", Thing)

    def write_and_fail() -> None:
        with store.transaction():
            things.put(1, Thing("one"))
            with store.transaction():
                store.put_blob("picture", b"1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    assert things.get(1) is None
    assert store.get_blob("picture") is None


def test_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path / "deep" / "state.db")
    assert [store.next_id("n", first=7), store.next_id("n", first=7)] == [7, 8]
    store.close()
    assert Store(tmp_path / "deep" / "state.db").next_id("n", first=7) == 9


_KILLED = """
import os, signal, sys
from pathlib import Path
from integrations.sandbox_store import Store
store = Store(Path(sys.argv[1]))
store.collection("things", dict).put(1, {"name": "kept"})
store.put_blob("picture", b"kept")
with store.transaction():
    store.collection("things", dict).put(2, {"name": "half"})
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_keeps_what_it_wrote_and_no_half_of_a_transaction(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    killed = subprocess.run([sys.executable, "-c", _KILLED, str(path)], env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    store = Store(path)
    assert store.collection("things", Thing).items() == [(1, Thing("kept"))]
    assert store.get_blob("picture") == b"kept"


def test_a_file_in_use_is_refused_in_one_sentence(tmp_path: Path) -> None:
    first = Store(tmp_path / "state.db")
    with pytest.raises(StoreError, match=r"cannot hold the sandbox's state \(database is locked\)"):
        Store(tmp_path / "state.db")
    first.close()


def test_a_file_of_something_else_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("buy milk, and more than a hundred bytes of other things " * 9)
    with pytest.raises(StoreError, match="move it away or name another file"):
        Store(tmp_path / "notes.txt")
