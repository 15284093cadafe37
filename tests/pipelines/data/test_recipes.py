"""Recipes of a domain are one whether its volumes were partners in pairs or not."""

from pathlib import Path

import pytest
from laws import GRIDS
from toys import SIZE, toy_case, train

from pipelines.data.recipes import on_reference_grid, reference_for, reference_step
from pipelines.model.model_folder import read_model
from preprocessing.cohort import read_cohort, write_cohort
from preprocessing.field_of_view import FemoralHeadBox
from preprocessing.orientation import CanonicalOrientation
from preprocessing.preparation import CohortPreparation
from preprocessing.provenance import step_config
from preprocessing.registration.pair import PairRegistration
from preprocessing.reslice import ToGrid, ToReferenceGrid
from preprocessing.window import FixedWindow

SPACING = (5.0, 8.0, 5.0)
"""A box that every test grid covers: what is hardly covered is not trained on."""
STEPS = {
    "mr": [
        CanonicalOrientation(),
        ToReferenceGrid(spacing=SPACING, size=SIZE, outside=0.0),
        FixedWindow(low=0, high=100, unit="nominal"),
    ],
    "ct": [
        CanonicalOrientation(),
        ToReferenceGrid(spacing=SPACING, size=SIZE, outside=-1000.0),
        FixedWindow(low=-150, high=350, unit="HU"),
    ],
}


def prepared(folder: Path, *, unpaired: bool) -> Path:
    """Two pairs for training on two grids, and with them a CT without partner or not."""
    cases = []
    for number, stored in ((1, "LPS"), (2, "oblique")):
        names = {"mr": f"mr_pair{number}", "ct": f"ct_pair{number}"}
        cases.append(toy_case(folder / "raw", names["mr"], pair=names["ct"], grid=GRIDS[stored]))
        cases.append(toy_case(folder / "raw", names["ct"], grid=GRIDS[stored]))
    if unpaired:
        cases.append(toy_case(folder / "raw", "ct_3"))
    write_cohort(folder / "raw" / "cohort.csv", cases)
    CohortPreparation(cohort=folder / "raw", output=folder / "prepared", steps=STEPS, fixed="mr").run()
    return folder / "prepared"


@pytest.mark.parametrize("unpaired", [True, False])
def test_a_prepared_cohort_with_pairs_trains_and_stores_the_recipe_of_any_scan(tmp_path, unpaired):
    cohort = prepared(tmp_path, unpaired=unpaired)
    assert len(read_cohort(cohort)) == (5 if unpaired else 4)
    train(cohort, tmp_path / "run", max_epochs=1, epoch_length=1)
    recipes = read_model(tmp_path / "run" / "model").recipes
    for domain in ("mr", "ct"):
        (grid,) = [step for step in recipes[domain] if "reslice" in step["_target_"]]
        assert grid["_target_"] == "preprocessing.reslice.ToReferenceGrid"
        assert grid["spacing"] == pytest.approx(SPACING, abs=1e-4)
        assert (tuple(grid["size"]), grid["outside"]) == (SIZE, STEPS[domain][1].outside)
        others = [step for step in recipes[domain] if step != grid]
        assert others == [
            step_config(step) for step in STEPS[domain] if not isinstance(step, ToReferenceGrid)
        ]


@pytest.mark.parametrize(
    "change", [{"size": (9, 9, 9)}, {"spacing": (1.0, 1.0, 1.0)}, {"outside": 7.0}], ids=str
)
def test_another_size_spacing_or_outside_stays_another_recipe(change):
    place = {"origin": (1.0, 2.0, 3.0), "direction": (1.0, 0, 0, 0, 1, 0, 0, 0, 1)}
    same = {"size": SIZE, "spacing": SPACING, "outside": 0.0}
    reference = step_config(ToReferenceGrid(**same, centre="body"))
    alike, other = ([step_config(ToGrid(**{**same, **new}, **place))] for new in ({}, change))
    assert on_reference_grid(alike, reference) == [reference]
    assert on_reference_grid(other, reference) == other
    assert reference_for([alike, [reference]], spacing=SPACING, size=SIZE) == reference
    assert reference_for([[]], spacing=SPACING, size=SIZE) is None


@pytest.mark.parametrize(("domain", "air"), [("mr", 0.0), ("ct", -1000.0)])
def test_a_registered_partner_is_of_the_recipe_of_its_domain(domain, air):
    """Registration stands where other volumes of the domain are cut, and fills up with air by itself."""
    first, grid, window = (step_config(step) for step in STEPS[domain])
    registered = [first, step_config(PairRegistration()), window]
    assert on_reference_grid(registered, grid) == [first, grid, window]
    assert reference_for([registered], spacing=SPACING, size=SIZE) == grid
    assert grid["outside"] == air
    elsewhere = [first, step_config(PairRegistration(outside=7.0)), window]
    assert on_reference_grid(elsewhere, grid) == elsewhere


def test_what_was_drawn_for_each_training_volume_is_the_mean_for_any_other():
    """A volume cut at a drawn place, a partner on another's grid and a new scan are of one recipe."""
    place = {"origin": (1.0, 2.0, 3.0), "direction": (1.0, 0, 0, 0, 1, 0, 0, 0, 1)}
    same = {"size": SIZE, "spacing": SPACING, "outside": -1000.0}
    drawn = FemoralHeadBox(**same, offset_mean=(1, 2, -15), offset_sd=(6, 5, 12), seed=4)
    before = step_config(CanonicalOrientation())
    recipes = [[before, step_config(drawn)], [before, step_config(ToGrid(**same, **place))]]
    any_scan = step_config(FemoralHeadBox(**same, offset_mean=(1, 2, -15), seed=4))
    assert reference_step(recipes) == any_scan
    assert reference_for(recipes, spacing=SPACING, size=SIZE) == any_scan
    assert reference_step([[before, any_scan]]) == any_scan
    for recipe in (*recipes, [before, any_scan]):
        assert on_reference_grid(recipe, any_scan) == [before, any_scan]
    elsewhere = [step_config(FemoralHeadBox(**same, offset_mean=(9, 9, 9), offset_sd=(6, 5, 12), seed=4))]
    assert on_reference_grid(elsewhere, any_scan) == elsewhere
