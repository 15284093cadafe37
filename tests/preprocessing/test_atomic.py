"""A file is as it was until the new one is whole; a writer that fails leaves no trace."""

import pytest

from preprocessing.atomic import write_text_atomically, written_beside


def test_the_old_content_stands_until_the_new_is_whole(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with written_beside(path) as beside:
        beside.write_text("new")
        assert beside.suffix == path.suffix
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_writer_that_fails_changes_nothing_and_leaves_nothing(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def fail() -> None:
        with written_beside(path) as beside:
            beside.write_text("half")
            raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_text_is_written_as_it_is_into_folders_that_are_made(tmp_path):
    path = tmp_path / "new" / "deep" / "a.txt"
    write_text_atomically(path, "Grüße\n")
    assert path.read_bytes() == "Grüße\n".encode()
