"""A cohort table is read whole and right, or refused with every fault at once."""

import csv
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from laws import GRIDS, tissue, volume

from preprocessing.cohort import COLUMNS, Case, CohortError, read_cohort, write_cohort
from preprocessing.volume import write_volume

ROWS = [
    {
        "case": "mr_1",
        "patient": "p1",
        "domain": "mr",
        "image": "mr.nii.gz",
        "label": "label.nii.gz",
        "split": "train",
    },
    {"case": "mr_2", "patient": "p2", "domain": "mr", "image": "mr.nii.gz", "pair": "ct_2", "split": "test"},
    {
        "case": "ct_2",
        "patient": "p2",
        "domain": "ct",
        "image": "ct.nii",
        "mask": "label.nii.gz",
        "split": "test",
    },
    {"case": "ct_3", "patient": "p3", "domain": "ct", "image": "ct.nii", "split": "validation"},
]


@pytest.fixture
def folder(tmp_path):
    image = volume(GRIDS["LPS"], tissue)
    write_volume(image, tmp_path / "mr.nii.gz")
    write_volume(image, tmp_path / "ct.nii")
    write_volume(
        volume(GRIDS["LPS"], lambda where: tissue(where) > 0, kind=np.uint8), tmp_path / "label.nii.gz"
    )
    return tmp_path


def write(folder: Path, rows: list[dict[str, str]], columns=COLUMNS) -> Path:
    with (folder / "cohort.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return folder


def changed(number: int, **cells: str) -> list[dict[str, str]]:
    return [{**row, **(cells if index == number else {})} for index, row in enumerate(ROWS)]


def faults_of(folder: Path) -> tuple[str, ...]:
    with pytest.raises(CohortError) as refusal:
        read_cohort(folder)
    assert str(folder / "cohort.csv") in str(refusal.value)
    assert all(fault in str(refusal.value) for fault in refusal.value.faults)
    return refusal.value.faults


def test_a_table_is_read_from_its_folder_or_its_path(folder):
    write(folder, ROWS)
    for path in (folder, folder / "cohort.csv", str(folder)):
        cohort = read_cohort(path)
        assert [case.case for case in cohort] == ["mr_1", "mr_2", "ct_2", "ct_3"]
        assert len(cohort) == 4
        assert cohort.domains == ("ct", "mr")
        assert cohort["mr_1"].image == folder / "mr.nii.gz"
        assert cohort["mr_1"].label == folder / "label.nii.gz"
        assert cohort["mr_1"].mask is None
        assert cohort["mr_1"].pair is None


def test_cases_are_selected_by_domain_and_split(folder):
    cohort = read_cohort(write(folder, ROWS))
    assert [case.case for case in cohort.select(domain="ct")] == ["ct_2", "ct_3"]
    assert [case.case for case in cohort.select(split="test")] == ["mr_2", "ct_2"]
    assert [case.case for case in cohort.select(domain="ct", split="test")] == ["ct_2"]
    assert len(cohort.select()) == 4


def test_a_wrong_domain_or_split_is_refused_with_the_right_ones(folder):
    cohort = read_cohort(write(folder, ROWS))
    with pytest.raises(CohortError, match="expected a domain of ct, mr, found 'mri'"):
        cohort.select(domain="mri")
    with pytest.raises(CohortError, match="expected a split of train, validation, test, found 'valid'"):
        cohort.select(split="valid")


def test_partners_find_each_other_whichever_names_the_other(folder):
    cohort = read_cohort(write(folder, ROWS))
    assert cohort.partner(cohort["mr_2"]) is cohort["ct_2"]
    assert cohort.partner(cohort["ct_2"]) is cohort["mr_2"]
    assert cohort.partner(cohort["mr_1"]) is None


def test_a_written_table_is_read_back_equal_and_can_be_moved(folder, tmp_path_factory):
    cohort = read_cohort(write(folder, ROWS))
    write_cohort(folder / "sub" / "cohort.csv", cohort)
    assert read_cohort(folder / "sub").cases == cohort.cases
    cells = list(csv.DictReader((folder / "sub" / "cohort.csv").read_text().splitlines()))
    assert cells[0]["image"] == "../mr.nii.gz"
    moved = tmp_path_factory.mktemp("moved") / "cohort"
    folder.rename(moved)
    assert read_cohort(moved / "sub")["mr_1"].image.resolve() == moved / "mr.nii.gz"


def test_a_table_from_a_spreadsheet_is_read(folder):
    write(folder, ROWS)
    content = (folder / "cohort.csv").read_text().replace("mr_1,", " mr_1 ,")
    (folder / "cohort.csv").write_text(content, encoding="utf-8-sig")
    assert read_cohort(folder)["mr_1"].patient == "p1"


ROW_FAULTS = {
    "duplicate": (changed(1, case="mr_1", pair=""), "case mr_1: expected unique names, found 2 rows"),
    "no name": (changed(0, case=""), "line 2: expected a case name"),
    "path as name": (changed(0, case="../mr"), "line 2: expected a case name"),
    "output name": (
        changed(0, case="ct_3_label"),
        "case ct_3_label: its name is that of an output of case ct_3",
    ),
    "no patient": (changed(0, patient=""), "case mr_1 (line 2): column patient is empty"),
    "no domain": (changed(0, domain=""), "case mr_1 (line 2): column domain is empty"),
    "no image": (changed(0, image=""), "case mr_1 (line 2): column image is empty"),
    "split": (changed(0, split="training"), "expected a split of train, validation, test, found 'training'"),
    "two splits": (changed(3, patient="p1"), "patient p1: expected one split, found train, validation"),
    "unknown pair": (changed(1, pair="ct_9"), "case mr_2: pair 'ct_9' is no case of the table"),
    "own pair": (changed(1, pair="mr_2"), "case mr_2: pair 'mr_2' is the case itself"),
    "same domain": (changed(0, pair="mr_2", split="test"), "is of the same domain 'mr'"),
    "other split": (
        changed(0, pair="ct_3", patient="p3"),
        "case mr_1: pair 'ct_3' is in split 'validation', expected 'train'",
    ),
    "two partners": (
        changed(0, pair="ct_2", split="test", patient="p2"),
        "case ct_2: expected one partner in column pair, found mr_1, mr_2",
    ),
    "pair of two patients": (
        changed(1, pair="ct_3", split="validation"),
        "case mr_2: pair 'ct_3' is of patient p3, expected p2",
    ),
}


for suffix in ("mask", "coverage", "landmarks"):
    ROW_FAULTS[f"output {suffix}"] = (
        changed(0, case=f"ct_3_{suffix}"),
        f"case ct_3_{suffix}: its name is that of an output of case ct_3",
    )


@pytest.mark.parametrize("fault", ROW_FAULTS)
def test_a_faulty_row_is_named(fault, folder):
    rows, message = ROW_FAULTS[fault]
    assert any(message in found for found in faults_of(write(folder, rows)))


UNPAIRED = changed(1, pair="")
CANDIDATES = {
    "unknown": ([{**UNPAIRED[0], "candidate": "x"}, *UNPAIRED[1:]], "candidate 'x' is no case of the table"),
    "another patient": (
        [*UNPAIRED[:3], {**ROWS[3], "candidate": "mr_1"}],
        "case ct_3: candidate 'mr_1' is of patient p1, expected p3",
    ),
    "beside a pair": (
        [*ROWS[:2], {**ROWS[2], "candidate": "mr_2"}, ROWS[3]],
        "case ct_2: candidate 'mr_2' joins cases of which one has a pair already",
    ),
    "two for one": (
        [
            *UNPAIRED[:2],
            {**ROWS[2], "candidate": "mr_2"},
            {**ROWS[3], "patient": "p2", "split": "test", "candidate": "mr_2"},
        ],
        "case mr_2: expected one partner in column candidate, found ct_2, ct_3",
    ),
}


@pytest.mark.parametrize("fault", CANDIDATES)
def test_a_faulty_candidate_is_named(fault, folder):
    rows, message = CANDIDATES[fault]
    assert any(message in found for found in faults_of(write(folder, rows, columns=[*COLUMNS, "candidate"])))


def test_candidates_find_each_other_and_are_written_only_where_there_are_some(folder):
    rows = [UNPAIRED[0], {**UNPAIRED[1], "candidate": "ct_2"}, *UNPAIRED[2:]]
    cohort = read_cohort(write(folder, rows, columns=[*COLUMNS, "candidate"]))
    assert cohort.candidate(cohort["mr_2"]) is cohort["ct_2"]
    assert cohort.candidate(cohort["ct_2"]) is cohort["mr_2"]
    assert cohort.candidate(cohort["mr_1"]) is cohort.partner(cohort["mr_2"]) is None
    write_cohort(folder / "cohort.csv", cohort)
    assert read_cohort(folder).cases == cohort.cases


def test_files_can_be_left_to_be_judged_later_but_rows_cannot(folder):
    (folder / "ct.nii").unlink()
    assert len(read_cohort(write(folder, ROWS), check_files=False)) == 4
    with pytest.raises(CohortError, match="expected a split"):
        read_cohort(write(folder, changed(0, split="x")), check_files=False)


def test_an_empty_table_a_missing_column_and_a_missing_table_are_refused(folder):
    (fault,) = faults_of(write(folder, []))
    assert "expected at least one case" in fault
    faults = faults_of(
        write(folder, ROWS, columns=[name for name in COLUMNS if name not in ("pair", "mask")])
    )
    assert [("'pair'" in fault, "'mask'" in fault) for fault in faults] == [(False, True), (True, False)]
    (folder / "cohort.csv").unlink()
    with pytest.raises(CohortError, match="expected a readable table"):
        read_cohort(folder / "cohort.csv")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def replaced(path: Path, shape: tuple[int, ...], affine: np.ndarray) -> None:
    path.unlink()
    nib.save(nib.Nifti1Image(np.zeros(shape, np.uint8), affine), path)


GRID = GRIDS["LPS"]
SHIFTED = GRID.affine_ras + np.array([[0, 0, 0, 2.0], [0] * 4, [0] * 4, [0] * 4])
FILE_FAULTS = {
    "missing": ("ct.nii", lambda path: path.unlink(), "expected a file, found none"),
    "2D": ("ct.nii", lambda path: replaced(path, (5, 6), np.eye(4)), "found 2 dimensions (5, 6)"),
    "4D": ("ct.nii", lambda path: replaced(path, (5, 6, 7, 2), np.eye(4)), "found 4 dimensions (5, 6, 7, 2)"),
    "truncated": ("ct.nii", cut, "the file is cut or damaged"),
    "truncated gz": ("mr.nii.gz", cut, "the file is cut or damaged"),
    "no volume": ("mr.nii.gz", lambda path: path.write_text("hello"), "expected a NIfTI file"),
    "label size": (
        "label.nii.gz",
        lambda path: replaced(path, (5, 6, 7), GRID.affine_ras),
        f"expected the grid of its image, found size {GRID.size} against (5, 6, 7)",
    ),
    "label place": (
        "label.nii.gz",
        lambda path: replaced(path, GRID.size, SHIFTED),
        "expected the grid of its image, found corners up to 2 mm apart",
    ),
}


@pytest.mark.parametrize("fault", FILE_FAULTS)
def test_a_faulty_file_is_named_with_its_case_for_every_case_that_uses_it(fault, folder):
    name, spoil, message = FILE_FAULTS[fault]
    spoil(folder / name)
    faults = faults_of(write(folder, ROWS))
    users = [row["case"] for row in ROWS if name in row.values()]
    assert len(faults) == len(users)
    for user, found in zip(users, faults, strict=True):
        assert f"case {user}," in found
        assert str(folder / name) in found
        assert message in found


def test_all_faults_are_listed_at_once(folder):
    rows = changed(0, split="training")
    rows[1] = {**rows[1], "pair": "ct_9"}
    assert len(faults_of(write(folder, rows))) == 2
    (folder / "mr.nii.gz").unlink()
    (folder / "label.nii.gz").unlink()
    assert len(faults_of(write(folder, ROWS))) == 4


def test_a_gzip_file_of_several_members_is_no_fault(folder):
    """Parallel compressors write such files; the length at their end is that of the last member only."""
    import gzip

    raw = gzip.decompress((folder / "mr.nii.gz").read_bytes())
    (folder / "mr.nii.gz").write_bytes(gzip.compress(raw[:1000]) + gzip.compress(raw[1000:]))
    assert len(read_cohort(write(folder, ROWS))) == 4


def test_a_failed_write_leaves_the_old_table_and_nothing_else(folder):
    table = write(folder, ROWS) / "cohort.csv"
    cohort, before, files = read_cohort(table), table.read_bytes(), sorted(folder.iterdir())

    def interrupted():
        yield replace(cohort["mr_1"])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_cohort(table, interrupted())
    assert table.read_bytes() == before
    assert sorted(folder.iterdir()) == files


def test_a_case_cannot_be_changed_by_accident(folder):
    case = read_cohort(write(folder, ROWS))["mr_1"]
    assert isinstance(case, Case)
    with pytest.raises(AttributeError):
        case.split = "test"
