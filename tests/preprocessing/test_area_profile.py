"""Area profiles: areas and places in closed form, distances between domains, what the crop does to them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from laws import CENTRE_LPS, GRIDS, volume

from preprocessing import area_profile as measured
from preprocessing.area_profile import area_profile
from preprocessing.area_summary import (
    profile_distances,
    profile_overlaps,
    profile_text,
    summarise_profile,
)
from preprocessing.body_mask import BodyMask
from preprocessing.cohort import Case, read_cohort, write_cohort
from preprocessing.femoral_heads import HEAD_NAMES
from preprocessing.field_of_view import FemoralHeadCrop
from preprocessing.grid import Grid, place
from preprocessing.landmarks import landmarks_path, write_landmarks
from preprocessing.orientation import CanonicalOrientation
from preprocessing.phantom.acquisition import acquire_ct, acquire_mr, ct_truth, mr_truth
from preprocessing.phantom.anatomy import HipAnatomy
from preprocessing.phantom.labels import LABEL_IDS
from preprocessing.phantom.patient import draw_patient, random_stream
from preprocessing.phantom.sampling import sample_anatomy
from preprocessing.phantom.scan_grids import make_grid
from preprocessing.phantom.scanning import scan_grid
from preprocessing.phantom.signal import SpoiledGradientEcho
from preprocessing.phantom.texture import make_texture
from preprocessing.phantom.tissue import draw_tissues
from preprocessing.preparation import CohortPreparation
from preprocessing.provenance import Provenance, read_provenance, record_path, write_provenance
from preprocessing.reslice import ToReferenceGrid
from preprocessing.volume import write_volume
from preprocessing.window import FixedWindow, IntensityWindow, PercentileWindow

BOX_MM = (60.0, 36.0, 40.0)
"""Extent of the bodies in closed form along R, A, S."""
BOX = {"spacing": (5.0, 4.0, 5.0), "size": (64, 19, 64)}
"""The MR's field of view: 320 x 76 x 320 mm."""


def inside(where, share: float = 1.0):
    return (np.abs(where - np.array(CENTRE_LPS)) < share * np.array(BOX_MM) / 2).all(axis=-1)


def blocky(folder: Path, name: str, *, code: str, heads: bool, coverage=None, label: bool = False) -> Case:
    """A block of body with a block of bone of half its edges in it, prepared by nobody but with a record."""
    grid = GRIDS[code]
    image, mask = folder / f"{name}.nii.gz", folder / f"{name}_mask.nii.gz"
    bone = 700.0 * volume_of(grid, 0.5)
    write_volume(bone - 1000.0 * (1 - volume_of(grid, 1.0)), image)
    write_volume(volume(grid, inside, kind=np.uint8), mask)
    domain = name.partition("_")[0]
    unit = "HU" if domain == "ct" else "nominal"
    notes = {} if coverage is None else {"coverage": {"fraction": 1.0, "slices": coverage}}
    if heads:
        left, right = (list(np.array(CENTRE_LPS) + np.array([x, 10.0, 3.0])) for x in (80.0, -80.0))
        notes["FemoralHeadBox"] = {"heads": {"left": left, "right": right}}
    window = IntensityWindow(0.0, 100.0, unit)
    write_provenance(
        record_path(image),
        Provenance(case=name, sources={}, recipe=[], outputs={}, window=window, notes=notes),
    )
    labels = folder / f"{name}_label.nii.gz"
    write_volume(volume(grid, lambda where: 4 * inside(where, 0.5), kind=np.uint8), labels)
    return Case(
        case=name,
        patient=name,
        domain=domain,
        image=image,
        label=labels if label else None,
        mask=mask,
        pair=None,
        split="train",
    )


def volume_of(grid: Grid, share: float) -> sitk.Image:
    return volume(grid, lambda where: inside(where, share).astype(float))


def cohort_of(folder: Path, cases):
    write_cohort(folder / "cohort.csv", cases)
    return read_cohort(folder)


@pytest.mark.parametrize(("plane", "axis"), [("sagittal", 0), ("coronal", 1), ("axial", 2)])
@pytest.mark.parametrize("code", ["RAS", "LAS", "LPS", "coronal", "sagittal"])
def test_areas_add_up_to_the_volume_and_lie_where_the_body_does(tmp_path, code, plane, axis):
    cohort = cohort_of(tmp_path, [blocky(tmp_path, "ct_1", code=code, heads=False)])
    profile = area_profile(cohort, plane=plane)
    spacing = (5.0, 6.0, 4.0)[axis]
    for structure, share in (("body", 1.0), ("bone", 0.5)):
        part = profile[profile["structure"] == structure]
        # The blocks' edges lie between voxel centres or on them, up to a voxel of all three lengths.
        volume_ml = part["area_cm2"].sum() * spacing / 10
        expected = np.prod(np.array(BOX_MM) * share) / 1000
        assert volume_ml == pytest.approx(expected, rel=0.45)
        middle = (part["position_mm"] * part["area_cm2"]).sum() / part["area_cm2"].sum()
        assert abs(middle) <= spacing / 2
        extent = np.ptp(part[part["area_cm2"] > 0]["position_mm"])
        assert abs(extent - BOX_MM[axis] * share) <= 2 * spacing
    assert set(profile["origin"]) == {"middle of the box"}


@pytest.mark.parametrize("code", ["RAS", "LAS", "LPS", "oblique"])
def test_places_are_counted_from_the_heads_plane_towards_right_front_and_head(tmp_path, code):
    """The heads lie 10 mm behind and 3 mm above the middle of the slices."""
    cohort = cohort_of(tmp_path, [blocky(tmp_path, "ct_1", code=code, heads=True)])
    for plane, expected in (("sagittal", 0.0), ("coronal", 10.0), ("axial", -3.0)):
        profile = area_profile(cohort, plane=plane)
        assert set(profile["origin"]) == {"femoral-head plane"}
        assert profile["position_mm"].unique().mean() == pytest.approx(
            expected, abs=0.01 if code != "oblique" else 4
        )
    write_landmarks(
        landmarks_path(cohort["ct_1"].image),
        dict(zip(HEAD_NAMES, [(80.0, -27.0, 31.0), (-56.0, -27.0, 31.0)], strict=True)),
    )
    moved = area_profile(cohort, plane="coronal")
    if code != "oblique":
        assert moved["position_mm"].unique().mean() == pytest.approx(-20.0, abs=0.01)


def test_bone_is_thresholded_in_ct_and_named_by_labels_elsewhere(tmp_path):
    cases = [
        blocky(tmp_path, "ct_1", code="RAS", heads=False),
        blocky(tmp_path, "mr_1", code="RAS", heads=False, label=True),
        blocky(tmp_path, "mr_2", code="RAS", heads=False),
    ]
    cohort = cohort_of(tmp_path, cases)
    plain = area_profile(cohort)
    assert set(plain[plain["structure"] == "bone"]["case"]) == {"ct_1"}
    named = area_profile(cohort, bone_labels={"mr": [4]})
    assert set(named[named["structure"] == "bone"]["case"]) == {"ct_1", "mr_1"}
    bone = {
        name: part["area_cm2"].to_numpy()
        for name, part in named[named["structure"] == "bone"].groupby("case")
    }
    np.testing.assert_array_equal(bone["ct_1"], bone["mr_1"])
    assert area_profile(cohort, split="test").empty
    assert profile_text(area_profile(cohort, split="test"), plane="coronal").startswith("area profile: no")


def test_slices_that_training_leaves_out_have_no_say(tmp_path):
    shares = {"sagittal": [1.0] * 28, "coronal": [0.5, *[1.0] * 15, 0.94], "axial": [1.0] * 22}
    cohort = cohort_of(tmp_path, [blocky(tmp_path, "ct_1", code="RAS", heads=False, coverage=shares)])
    body = area_profile(cohort)
    assert len(body[body["structure"] == "body"]) == 15
    assert len(area_profile(cohort, plane="axial")) == 2 * 22


def table(areas_of_domain) -> pd.DataFrame:
    rows = [
        (f"{domain}_{number}", domain, "body", place, area + 10 * number, "middle of the box")
        for domain, areas in areas_of_domain.items()
        for number in range(3)
        for place, area in zip((-8.0, 0.0, 8.0), areas, strict=True)
    ]
    return pd.DataFrame(rows, columns=["case", "domain", "structure", "position_mm", "area_cm2", "origin"])


def test_the_summary_is_the_quartiles_over_cases_and_the_distance_is_that_of_kolmogorov_and_smirnov():
    summary = summarise_profile(table({"mr": (100, 200, 300)})).set_index("position_mm")
    assert summary.loc[0.0, ["cases", "lower", "median", "upper"]].tolist() == [3, 205, 210, 215]
    assert profile_distances(table({"ct": (100, 200, 300), "mr": (100, 200, 300)})) == {("ct", "mr"): 0.0}
    assert profile_distances(table({"ct": (100, 200, 300), "mr": (500, 600, 700)})) == {("ct", "mr"): 1.0}
    # Of the sorted areas a third of the one lies below all of the other.
    apart = profile_distances(table({"ct": (0, 200, 300), "mr": (200, 200, 300)}))
    assert apart["ct", "mr"] == pytest.approx(1 / 3)
    text = profile_text(table({"ct": (100, 200, 300), "mr": (500, 600, 700)}), plane="coronal")
    assert "body of ct and mr: median profiles overlap by 34%, Kolmogorov-Smirnov distance" in text
    assert profile_overlaps(table({"ct": (100, 200, 300), "mr": (100, 200, 300)})) == {("ct", "mr"): 1.0}
    # Medians 110, 210, 310 against 510, 610, 710.
    apart = profile_overlaps(table({"ct": (100, 200, 300), "mr": (500, 600, 700)}))
    assert apart["ct", "mr"] == pytest.approx(630 / 1830)
    assert "210 (205-215)" in text


def test_of_a_large_cohort_an_even_choice_is_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr(measured, "MOST_CASES", 3)
    case = blocky(tmp_path, "ct_1", code="RAS", heads=False)
    cases = [replace(case, case=f"ct_{number}", patient=f"ct_{number}") for number in range(9)]
    assert set(area_profile(cohort_of(tmp_path, cases))["case"]) == {"ct_0", "ct_4", "ct_8"}


def phantom_scan(folder: Path, name: str, seed: int) -> Case:
    """A coronal MR slab with landmarks, or an axial CT without, well in front of the heads."""
    domain, patient = name.partition("_")[0], draw_patient(seed)
    anatomy, model = HipAnatomy(patient), draw_tissues(patient)
    rng = random_stream(seed, "scan")
    if domain == "mr":
        grid = scan_grid(anatomy, size=40)
    else:
        middle = anatomy.head_midpoint() + rng.uniform((-20, -50, -40), (20, -25, 40))
        grid = make_grid(centre=middle, axes="LPS", size=(60, 60, 70), spacing=(6.0, 6.0, 6.0))
    sample = sample_anatomy(anatomy, grid, supersampling=(2, 2, 2))
    texture = make_texture(sample, model)
    if domain == "mr":
        voxels = acquire_mr(mr_truth(sample, texture, model, SpoiledGradientEcho()), grid, rng).image
        write_landmarks(landmarks_path(folder / f"{name}.nii.gz"), anatomy.landmarks())
    else:
        voxels = acquire_ct(ct_truth(sample, texture, model), grid, rng)
    for ending, values in (("", voxels), ("_label", sample.label)):
        image = sitk.GetImageFromArray(values)
        place(image, grid)
        write_volume(image, folder / f"{name}{ending}.nii.gz")
    return Case(
        case=name,
        patient=name,
        domain=domain,
        image=folder / f"{name}.nii.gz",
        label=folder / f"{name}_label.nii.gz",
        mask=None,
        pair=None,
        split="train",
    )


@pytest.mark.slow
def test_the_crop_about_the_heads_brings_the_domains_together(tmp_path):
    """Axial CT of the same patients, cut about the heads found in them, show the bones that the MR show."""
    names = [f"{domain}_{number}" for domain in ("mr", "ct") for number in range(3)]
    cases = [phantom_scan(tmp_path / "raw", name, 31_000 + int(name[-1])) for name in names]
    write_cohort(tmp_path / "raw" / "cohort.csv", cases)
    bones = [LABEL_IDS[f"{bone}_{side}"] for bone in ("hip_bone", "femur") for side in ("left", "right")]
    overlap = {}
    for kind, crop in (
        ("heads", FemoralHeadCrop(**BOX, outside=-1000.0)),
        ("image", ToReferenceGrid(**BOX, outside=-1000.0)),
    ):
        steps = {
            "mr": [
                CanonicalOrientation(),
                BodyMask(),
                ToReferenceGrid(**BOX, outside=0.0),
                PercentileWindow(),
            ],
            "ct": [
                CanonicalOrientation(),
                BodyMask(threshold=-300.0),
                crop,
                FixedWindow(low=-150, high=350, unit="HU"),
            ],
        }
        out = tmp_path / kind
        report = CohortPreparation(cohort=tmp_path / "raw", output=out, steps=steps, fixed="mr").run()
        assert report.failed == ()
        profile = area_profile(read_cohort(out), bone_labels={"mr": bones, "ct": bones})
        overlap[kind] = profile_overlaps(profile, structure="bone")["ct", "mr"]
        if kind == "heads":
            recipe = read_provenance(out / "ct_1.json").recipe
            assert any("3 training cases of mr" in str(step.get("offsets_of")) for step in recipe)
            assert set(profile["origin"]) == {"femoral-head plane"}
    # What is left are the angles of the MR slabs, and the draws of three cases.
    assert overlap["heads"] > 0.8
    assert overlap["image"] < overlap["heads"] - 0.15
