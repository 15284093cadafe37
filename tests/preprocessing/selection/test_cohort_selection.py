"""Cohorts from tables of series and from folders: whole, disjoint by patient, and never over another's."""

import csv
from itertools import product
from pathlib import Path

import pytest
from laws import tissue, volume
from toys import toy_grid

from preprocessing.cohort import read_cohort
from preprocessing.patient_of_path import PatientOfPathError
from preprocessing.selection.choice import Choice, SelectionError
from preprocessing.selection.cohort_selection import CohortSelection, name_cases
from preprocessing.selection.split import SplitShares
from preprocessing.volume import write_volume

COLUMNS = ("patient", "study", "series", "image", "modality", "description", "frame_of_reference", "slices")
RULES = {"mr": "modality == 'MR'", "ct": "modality == 'CT'"}


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    path = tmp_path_factory.mktemp("scan") / "scan.nii.gz"
    write_volume(volume(toy_grid((4, 3, 5)), tissue), path)
    return path.read_bytes()


@pytest.fixture
def table(tmp_path, scan):
    """Ten patients: MR of eight, CT of seven, five of them with both, one with two CT of which one fits."""
    rows = []

    def add(patient, modality, number=0, reference=""):
        series = f"s{patient}{modality}{number}"
        image = f"p{patient}/{series}.nii.gz"
        rows.append([f"p{patient}", f"t{patient}", series, image, modality, "", reference or f"f{series}", 7])
        (tmp_path / image).parent.mkdir(exist_ok=True)
        (tmp_path / image).write_bytes(scan)

    for patient in range(8):
        add(patient, "MR", reference="shared" if patient == 4 else "")
    for patient in range(3, 10):
        add(patient, "CT")
    add(4, "CT", 1, reference="shared")
    with (tmp_path / "series.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([COLUMNS, *rows])
    return tmp_path / "series.csv"


def select(source, output, *, domains=None, shares="60/20/20", **options):
    return CohortSelection(
        source=source, output=output, domains=domains or RULES, shares=SplitShares.parse(shares), **options
    )


def test_no_patient_is_in_two_splits_and_counts_are_those_of_the_table(table, tmp_path):
    report = select(table, tmp_path / "c").run()
    cohort = read_cohort(tmp_path / "c")
    assert {domain: sum(counts.values()) for domain, counts in report.counts.items()} == {"mr": 8, "ct": 8}
    for domain, split in product(("mr", "ct"), ("train", "validation", "test")):
        listed = [case for case in cohort if (case.domain, case.split) == (domain, split)]
        assert len(listed) == report.counts[domain][split]
    assert (
        len({(case.patient, case.split) for case in cohort}) == len({case.patient for case in cohort}) == 10
    )
    assert all(case.candidate is None for case in cohort)


def test_images_are_named_relative_to_the_table_and_names_are_short(table, tmp_path):
    select(table, tmp_path / "c").run()
    with (tmp_path / "c" / "cohort.csv").open(newline="") as stream:
        rows = {row["case"]: row["image"] for row in csv.DictReader(stream)}
    assert rows["mr_p0"] == "../p0/s0MR0.nii.gz"
    assert {"ct_p4_1", "ct_p4_2", "ct_p5"} <= set(rows)


def test_rows_in_another_order_give_the_same_bytes(table, tmp_path):
    select(table, tmp_path / "one", pairs=True).run()
    first, *rows = table.read_text().splitlines()
    table.write_text("\n".join([first, *reversed(rows)]) + "\n")
    select(table, tmp_path / "two", pairs=True).run()
    tables = [(tmp_path / name / "cohort.csv").read_text() for name in ("one", "two")]
    assert sorted(tables[0].splitlines()) == sorted(tables[1].splitlines())


def test_pairs_are_mutual_of_one_patient_and_prefer_one_frame_of_reference(table, tmp_path):
    report = select(table, tmp_path / "c", pairs=True).run()
    cohort = read_cohort(tmp_path / "c")
    paired = [case for case in cohort if case.candidate]
    assert len(paired) == 2 * report.candidates == 10
    for case in paired:
        partner = cohort[case.candidate]
        assert partner.candidate == case.case
        assert partner.patient == case.patient
        assert partner.domain != case.domain
    assert cohort["mr_p4"].candidate == "ct_p4_2"


def test_same_selection_again_writes_nothing_and_another_is_refused_unless_forced(table, tmp_path):
    assert select(table, tmp_path / "c").run().written
    written = (tmp_path / "c" / "cohort.csv").stat().st_mtime_ns
    assert not select(table, tmp_path / "c").run().written
    assert (tmp_path / "c" / "cohort.csv").stat().st_mtime_ns == written
    before = (tmp_path / "c" / "cohort.csv").read_bytes()
    with pytest.raises(SelectionError, match="--force"):
        select(table, tmp_path / "c", seed=9).run()
    assert (tmp_path / "c" / "cohort.csv").read_bytes() == before
    assert select(table, tmp_path / "c", seed=9, force=True).run().written
    assert (tmp_path / "c" / "cohort.csv").read_bytes() != before
    assert [path.name for path in (tmp_path / "c").iterdir()] == ["cohort.csv"]


def test_series_of_two_domains_is_named(table, tmp_path):
    with pytest.raises(SelectionError, match=r"'mr' and 'all'.*s0MR0"):
        select(table, tmp_path / "c", domains={"mr": RULES["mr"], "all": "slices > 0"}).run()
    assert not (tmp_path / "c").exists()


def test_rule_without_a_match_is_named(table, tmp_path):
    with pytest.raises(SelectionError, match=r"domain 'pt'.*found none"):
        select(table, tmp_path / "c", domains={**RULES, "pt": "modality == 'PT'"}).run()


def test_missing_image_is_found_before_anything_is_written(table, tmp_path):
    (tmp_path / "p0" / "s0MR0.nii.gz").unlink()
    with pytest.raises(ValueError, match="mr_p0"):
        select(table, tmp_path / "c").run()
    assert list((tmp_path / "c").iterdir()) == []


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "patient,series\np,s\n"])
def test_table_that_is_no_series_table_is_refused(tmp_path, text):
    (tmp_path / "series.csv").write_text(text)
    with pytest.raises(SelectionError, match=r"series\.csv"):
        select(tmp_path / "series.csv", tmp_path / "c").run()


@pytest.fixture
def folder(tmp_path, scan):
    for patient, name in product(("anna", "bert", "../carl"[3:]), ("T1", "T2")):
        path = tmp_path / "files" / patient / f"scan_{name}.nii.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(scan)
    (tmp_path / "files" / "dora_T1.nii.gz").write_bytes(scan)
    return tmp_path / "files"


PATTERNS = {"t1": "**/*T1*.nii.gz", "t2": "**/*T2*"}


def test_folder_gives_patients_by_top_folder_else_by_file(folder, tmp_path):
    select(folder, tmp_path / "c", domains=PATTERNS, pairs=True, shares="50/0/50").run()
    cohort = read_cohort(tmp_path / "c")
    assert {case.patient for case in cohort} == {"anna", "bert", "carl", "dora_T1"}
    assert {case.case: case.candidate for case in cohort if case.patient == "anna"} == {
        "t1_anna": "t2_anna",
        "t2_anna": "t1_anna",
    }


def test_expression_finds_the_patient(folder, tmp_path):
    select(folder, tmp_path / "c", domains=PATTERNS, patient=r"^(\w)").run()
    assert {case.patient for case in read_cohort(tmp_path / "c")} == {"a", "b", "c", "d"}


@pytest.mark.parametrize(("pattern", "said"), [("(", "regular expression"), ("anna", "dora_T1|bert|carl")])
def test_expression_that_does_not_fit_is_refused(folder, tmp_path, pattern, said):
    with pytest.raises(PatientOfPathError, match=said):
        select(folder, tmp_path / "c", domains=PATTERNS, patient=pattern).run()


@pytest.mark.parametrize("pattern", ["../**/*.nii.gz", "/etc/*"])
def test_pattern_never_leads_out_of_the_folder(folder, tmp_path, pattern):
    with pytest.raises(SelectionError, match="outside"):
        select(folder, tmp_path / "c", domains={"t1": pattern}).run()


def test_hostile_patients_make_plain_unique_case_names():
    names = name_cases(
        [
            Choice(domain="mr", patient=patient, image=Path("x.nii.gz"), order=str(number))
            for number, patient in enumerate(["../../x", "-..-x", "a b", "a/b", "ä"])
        ]
    )
    assert len(names) == 5
    assert all("/" not in name and " " not in name and name.startswith("mr_") for name in names)
