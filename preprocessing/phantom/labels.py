"""The label table of the phantom."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Label:
    """One structure of the label volumes: its value, its name and its colour (red, green, blue in 0..255)."""

    id: int
    name: str
    colour: tuple[int, int, int]


_PAIRED = {
    "gluteus_maximus": (214, 106, 82),
    "gluteus_medius": (240, 160, 74),
    "gluteus_minimus": (246, 211, 101),
    "iliopsoas": (141, 190, 98),
    "quadriceps": (86, 166, 178),
    "adductors": (94, 124, 196),
    "hip_bone": (236, 226, 198),
    "femur": (208, 196, 226),
}
_SINGLE = {
    "sacrum": (198, 178, 140),
    "lumbar_spine": (170, 156, 128),
    "bladder": (226, 232, 120),
    "rectal_gas": (64, 64, 72),
    "other_muscles": (160, 84, 110),
}


def _table() -> tuple[Label, ...]:
    names = [(f"{name}_{side}", rgb) for name, rgb in _PAIRED.items() for side in ("right", "left")]
    names += list(_SINGLE.items())
    return tuple(Label(id=i, name=name, colour=rgb) for i, (name, rgb) in enumerate(names, start=1))


LABELS = _table()
"""Every structure of the label volumes; 0 is everything else (air, fat, skin, bowel, vessels)."""
LABEL_IDS = {label.name: label.id for label in LABELS}
MUSCLES = (*(f"{name}_{side}" for name in list(_PAIRED)[:6] for side in ("right", "left")), "other_muscles")
"""Names of the labels that are muscle, which is one tissue."""


def label_id(name: str, side: int) -> int:
    """Return the value of a structure; side is +1 for the patient's left and -1 for the right."""
    return LABEL_IDS.get(name) or LABEL_IDS[f"{name}_{'left' if side > 0 else 'right'}"]
