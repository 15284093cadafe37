"""A file is as it was until the new one is whole; a writer that fails leaves no trace."""

import pytest

from preprocessing.atomic import folder_written_beside, write_text_atomically, written_beside


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


def test_a_folder_is_there_when_it_is_whole(tmp_path):
    folder = tmp_path / "deep" / "series"
    with folder_written_beside(folder) as beside:
        (beside / "first").write_text("1")
        assert not folder.exists()
    assert [path.name for path in folder.iterdir()] == ["first"]
    assert list(folder.parent.iterdir()) == [folder]


def test_a_folder_whose_writer_fails_or_was_killed_leaves_no_trace(tmp_path):
    killed = tmp_path / ".partial.series"
    killed.mkdir()
    (killed / "old").write_text("half")

    def fail() -> None:
        with folder_written_beside(tmp_path / "series") as beside:
            assert list(beside.iterdir()) == []
            (beside / "first").write_text("1")
            raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_content_is_never_replaced(tmp_path):
    (tmp_path / "mine").write_text("kept")
    refused = pytest.raises(FileExistsError, match="expected a new or empty folder")
    with refused, folder_written_beside(tmp_path):
        pass
    assert (tmp_path / "mine").read_text() == "kept"
