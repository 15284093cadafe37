"""Splines reproduce what they should, and the rows of a fit are the field's own values."""

import numpy as np
import pytest

from preprocessing.shading import entropy, shading_coefficients
from preprocessing.spline_field import ORDER, bending, field_rows, field_values, spans_of, spline_basis

SPANS = (2, 3, 1)
LEFT = 0.2
"""Share of a field that may be left beside an organ a quarter of the volume large."""
BASES = [
    spline_basis(np.linspace(0, 1, count), spans) for count, spans in zip((9, 11, 7), SPANS, strict=True)
]


def test_splines_sum_to_one_and_reproduce_a_cubic():
    basis = BASES[1]
    np.testing.assert_allclose(basis.sum(axis=1), 1)
    x = np.linspace(0, 1, 11)
    cubic = 1 - 2 * x + 3 * x**2 - 4 * x**3
    found = basis @ np.linalg.lstsq(basis, cubic, rcond=None)[0]
    np.testing.assert_allclose(found, cubic, atol=1e-12)


@pytest.mark.parametrize(
    ("extent", "spans"), [((119.0, 121.0, 400.0), (1, 2, 4)), ((5.0, 5.0, 5.0), (1, 1, 1))]
)
def test_there_are_as_few_spans_as_the_knots_allow(extent, spans):
    assert spans_of(extent, 120.0) == spans


def test_rows_of_a_fit_are_the_values_of_the_field():
    coefficients = np.random.default_rng(0).normal(size=np.prod([spans + ORDER for spans in SPANS]))
    field = field_values(coefficients, BASES)
    index = np.argwhere(np.ones(field.shape, bool))
    np.testing.assert_allclose(field_rows(BASES, index) @ coefficients, field.ravel(), atol=1e-5)


def test_only_flat_and_linear_coefficients_do_not_bend():
    counts = [spans + ORDER for spans in SPANS]
    first, second, third = np.meshgrid(*map(np.arange, counts), indexing="ij")
    matrix = bending(SPANS)
    for flat in (np.ones(counts), 2 * first - second + 3 * third):
        assert flat.ravel() @ matrix @ flat.ravel() == pytest.approx(0, abs=1e-9)
    assert (first**2).ravel() @ matrix @ (first**2).ravel() > 1


def test_shading_is_told_from_a_step_between_tissues():
    """What a histogram cannot do: a darker organ that fills a corner stays darker."""
    shape = (30, 40, 10)
    axes = [np.linspace(0, 1, count) for count in shape]
    places = np.stack(np.meshgrid(*axes, indexing="ij"))
    true = 0.4 * places[0] - 0.3 * places[1] ** 2
    organ = np.where((places[0] > 0.5) & (places[1] > 0.5), -0.3, 0.0)
    found = shading_coefficients(
        true + organ,
        np.ones(shape, bool),
        spacing=(8.0, 8.0, 8.0),
        bases=[spline_basis(axis, spans) for axis, spans in zip(axes, SPANS, strict=True)],
        spans=SPANS,
    )
    error = field_values(found, [spline_basis(axis, spans) for axis, spans in zip(axes, SPANS, strict=True)])
    assert (error - true).std() < LEFT * true.std()


def test_nothing_to_compare_gives_no_field():
    found = shading_coefficients(
        np.zeros((9, 11, 7)), np.zeros((9, 11, 7), bool), spacing=(8.0, 8.0, 8.0), bases=BASES, spans=SPANS
    )
    assert not found.any()


def test_blurring_raises_the_entropy_and_scaling_keeps_it():
    rng = np.random.default_rng(1)
    two = np.where(rng.random(5000) < 0.5, 0.0, 1.0) + rng.normal(scale=0.05, size=5000)
    assert entropy(two + rng.normal(scale=0.1, size=5000)) > entropy(two) + 0.3
    assert entropy(two + 3.0) == pytest.approx(entropy(two), abs=0.01)
