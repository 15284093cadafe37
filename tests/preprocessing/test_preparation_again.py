"""Nothing is done twice, and whatever is changed, lost or killed in between is done again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from isal import isal_zlib
from laws import (
    GRIDS,
    body,
    hounsfield,
    volume,
)
from small_cohort import STEPS, preparation, snapshot, write_source

from preprocessing.cohort import read_cohort
from preprocessing.prepared_files import ENDING_OF_ROLE
from preprocessing.provenance import file_hash, read_provenance
from preprocessing.reslice import ToReferenceGrid
from preprocessing.volume import read_volume, write_volume
from preprocessing.window import FixedWindow


@pytest.fixture
def source(tmp_path):
    return write_source(tmp_path / "source")


def test_preparing_again_does_nothing(source, tmp_path):
    preparation(source).run()
    before = {
        name: content
        for name, content in snapshot(tmp_path / "out").items()
        if name not in ("cohort.csv", "report.json")
    }
    report = preparation(source).run()
    assert report.prepared == ()
    assert report.unchanged == ("mr_1", "ct_1", "mr_2", "ct_2")
    after = snapshot(tmp_path / "out")
    assert {name: after[name] for name in before} == before
    assert len(read_cohort(tmp_path / "out")) == 4


def spoil_output(source, out):
    (out / "ct_1.nii.gz").write_bytes((out / "ct_1.nii.gz").read_bytes()[:-9])


def lose_output(source, out):
    (out / "ct_1_mask.nii.gz").unlink()


def lose_record(source, out):
    (out / "ct_1.json").unlink()


def spoil_record(source, out):
    (out / "ct_1.json").write_text("{")


def change_source(source, out):
    write_volume(volume(GRIDS["LAS"], hounsfield), source / "ct_1.nii.gz")


def change_label(source, out):
    write_volume(volume(GRIDS["LAS"], lambda where: 4 * body(where), kind=np.uint8), source / "label.nii.gz")


@pytest.mark.parametrize(
    "event", [spoil_output, lose_output, lose_record, spoil_record, change_source, change_label]
)
def test_only_what_has_changed_is_prepared_again(event, source, tmp_path):
    preparation(source).run()
    event(source, tmp_path / "out")
    report = preparation(source).run()
    assert report.prepared == ("ct_1",)
    assert report.unchanged == ("mr_1", "mr_2", "ct_2")
    assert preparation(source).run().unchanged == ("mr_1", "ct_1", "mr_2", "ct_2")


def test_another_recipe_prepares_its_domain_again_and_a_fixed_case_its_partner(source):
    preparation(source).run()
    other = {**STEPS, "ct": [*STEPS["ct"][:-1], FixedWindow(low=-160, high=240, unit="HU")]}
    assert preparation(source, steps=other).run().prepared == ("ct_1", "ct_2")
    coarser = ToReferenceGrid(spacing=(8.0, 8.0, 8.0), size=(14, 12, 11), outside=0.0)
    other["mr"] = [coarser if isinstance(step, ToReferenceGrid) else step for step in STEPS["mr"]]
    assert preparation(source, steps=other).run().prepared == ("mr_1", "mr_2", "ct_2")


class Killed(BaseException):
    """What no handler of errors may catch, as when the process dies."""


def die_after(survivors, monkeypatch):
    """Let so many volumes and pictures be written, and the process die in the middle of the next."""
    written = []

    def write_or_die():
        if len(written) == survivors:
            raise Killed
        written.append("one more")

    class DyingCompressor:
        def __init__(self, *arguments, make=isal_zlib.compressobj):
            self.own = make(*arguments)

        def compress(self, content):
            return self.own.compress(content)

        def flush(self):
            write_or_die()
            return self.own.flush()

    def dying_picture(image, name, *, write=sitk.WriteImage, **options):
        Path(name).write_bytes(b"half a file")
        write_or_die()
        write(image, name, **options)

    monkeypatch.setattr(isal_zlib, "compressobj", DyingCompressor)
    monkeypatch.setattr(sitk, "WriteImage", dying_picture)


@pytest.mark.parametrize("survivors", range(8))
def test_a_run_killed_anywhere_leaves_nothing_half_written_and_the_next_run_completes_it(
    survivors, source, tmp_path, monkeypatch
):
    """Killed in the middle of the n-th file: every volume is whole, every record speaks of what is there."""
    coarser = {"spacing": (8.0, 7.0, 6.0), "size": (14, 12, 14)}
    other = {
        domain: [replace(step, **coarser) if isinstance(step, ToReferenceGrid) else step for step in steps]
        for domain, steps in STEPS.items()
    }
    preparation(source, steps=other, output=tmp_path / "whole").run()
    whole = {path.name: path.read_bytes() for path in (tmp_path / "whole").glob("*.nii.gz")}
    preparation(source).run()
    die_after(survivors, monkeypatch)
    with pytest.raises(Killed):
        preparation(source, steps=other).run()
    monkeypatch.undo()
    for path in (tmp_path / "out").glob("*.nii.gz"):
        read_volume(path)
    for path in (tmp_path / "out").glob("*.json"):
        record = read_provenance(path)
        assert all(
            file_hash(path.with_name(path.stem + ENDING_OF_ROLE[role])) == content
            for role, content in record.outputs.items()
        )
    assert not (tmp_path / "out" / "cohort.csv").exists()
    assert len(preparation(source, steps=other).run().failed) == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.nii.gz")} == whole
