"""What a phantom cohort is made of, as JSON: every parameter, variance, tissue and label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from preprocessing.phantom.labels import LABELS
from preprocessing.phantom.patient import VARIANCES
from preprocessing.phantom.scanning import ScanOrder
from preprocessing.phantom.signal import SpoiledGradientEcho
from preprocessing.phantom.tissue import FIELD_STRENGTH, TISSUES

PHANTOM_VERSION = "1"
"""Raised whenever the same seed no longer gives the same bytes."""


def describe_phantom(arguments: Mapping[str, Any], orders: Sequence[ScanOrder]) -> dict[str, Any]:
    """Return all that `phantom.json` says.

    Args:
        arguments: of `write_phantom_cohort`.
        orders: the scans of the cohort.
    """
    return {
        "version": PHANTOM_VERSION,
        "arguments": dict(arguments),
        "labels": [asdict(label) for label in LABELS],
        "variances": {name: asdict(spread) for name, spread in VARIANCES.items()},
        "field_strength": FIELD_STRENGTH,
        "tissues": {tissue.name.lower(): asdict(properties) for tissue, properties in TISSUES.items()},
        "sequence": asdict(SpoiledGradientEcho()),
        "cases": {order.case: {**_describe_order(order), "drawn": asdict(order.draw())} for order in orders},
    }


def _describe_order(order: ScanOrder) -> dict[str, Any]:
    """Return an order; what came later than version 1 is named only where it is used."""
    said = asdict(order)
    if not order.implant:
        del said["implant"]
    return said
