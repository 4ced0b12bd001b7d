"""What the rules read is the whole project, and a rule cannot pass by reading nothing."""

import pytest

from tests.tidy.sources import Source, assert_tidy, listed_by_git, listed_by_walking, modules, read, sources


def test_without_git_the_same_files_are_found() -> None:
    listed = listed_by_git()
    if listed is None:
        pytest.skip("these files did not come with git")
    assert set(read(listed)) <= set(read(listed_by_walking()))


def test_a_walk_leaves_out_what_git_ignores() -> None:
    assert not [
        path for path in listed_by_walking() if path.startswith((".venv/", ".git/")) or "__pycache__" in path
    ]


def test_a_module_is_found_by_its_top_folder() -> None:
    assert "tests/tidy/test_sources.py" in [source.path for source in modules("tests")]
    assert not modules("no_such_folder")
    assert "README.md" in [source.path for source in sources()]


def test_a_rule_that_reads_nothing_fails() -> None:
    with pytest.raises(AssertionError, match="reads no file"):
        assert_tidy(lambda _: (), [])


def test_every_finding_is_told_once() -> None:
    with pytest.raises(pytest.fail.Exception) as failure:
        assert_tidy(lambda source: [source.at(3, "mend it")] * 2, [Source("a.py", ""), Source("b.py", "")])
    assert str(failure.value) == "a.py:3: mend it\nb.py:3: mend it"
