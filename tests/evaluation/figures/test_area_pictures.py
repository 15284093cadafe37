"""The area profiles of a prepared cohort, as a table and a picture beside its small pictures."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from laws import GRIDS, body, hounsfield, volume
from matplotlib.image import imread

from evaluation.figures.area_profiles import NAME, write_area_profiles
from preprocessing.cohort import Case, write_cohort
from preprocessing.volume import write_volume


def case_of(folder: Path, name: str) -> Case:
    image, mask = folder / f"{name}.nii.gz", folder / f"{name}_mask.nii.gz"
    write_volume(volume(GRIDS["LAS"], hounsfield), image)
    write_volume(volume(GRIDS["LAS"], body, kind=np.uint8), mask)
    domain = name.partition("_")[0]
    return Case(
        case=name, patient=name, domain=domain, image=image, label=None, mask=mask, pair=None, split="train"
    )


def test_table_picture_and_text_tell_the_same(tmp_path):
    write_cohort(tmp_path / "cohort.csv", [case_of(tmp_path, name) for name in ("ct_1", "mr_1", "mr_2")])
    text = write_area_profiles(tmp_path, plane="axial", step_mm=20)
    assert "body of ct and mr: median profiles overlap by 100%" in text
    assert "area in cm2 of axial slices" in text
    table = pd.read_csv(tmp_path / f"{NAME}.csv")
    # An ellipse of half axes 58 and 42 mm, drawn in voxels of 5 x 6 mm.
    assert table["area_cm2"].median() == np.float64(table["area_cm2"].iloc[0])
    assert abs(table["area_cm2"].median() - np.pi * 5.8 * 4.2) < 5
    picture = imread(tmp_path / f"{NAME}.png")
    assert picture[..., :3].std() > 0.05


def test_bone_of_an_mr_is_that_of_its_labels_and_its_lack_is_said(tmp_path):
    cases = [case_of(tmp_path, name) for name in ("ct_1", "mr_1")]
    cases[1] = replace(cases[1], label=cases[1].mask)
    write_cohort(tmp_path / "cohort.csv", cases)
    silent = write_area_profiles(tmp_path)
    assert "mr bone" not in silent
    assert "bone of ct, mr is not known" in silent
    told = write_area_profiles(tmp_path, bone_labels={"mr": [1]})
    assert "mr bone" in told
    assert "bone of ct is not known" in told


def test_a_cohort_without_masks_has_no_profile_and_says_so(tmp_path):
    case = case_of(tmp_path, "ct_1")
    write_cohort(tmp_path / "cohort.csv", [Case(**{**vars(case), "mask": None})])
    assert write_area_profiles(tmp_path) == "area profile: no prepared case with a body mask"
    assert not (tmp_path / f"{NAME}.png").exists()
