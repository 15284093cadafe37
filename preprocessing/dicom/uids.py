"""Unique identifiers of DICOM objects."""

from __future__ import annotations

from pydicom.uid import PYDICOM_ROOT_UID, generate_uid


def make_uid(*entropy: str) -> str:
    """UID under pydicom's registered root; the same words give the same UID, none give a random one.

    Args:
        entropy: words that name the object among all objects of the world, such as a series UID and a number.
    """
    # The separator keeps ("a", "bc") and ("ab", "c") apart: pydicom joins the words as they are.
    words = [f"{len(word)}:{word}" for word in entropy] or None
    return str(generate_uid(prefix=PYDICOM_ROOT_UID, entropy_srcs=words))
