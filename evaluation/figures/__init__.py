"""Figures for pages and reports, drawn as a radiologist expects them."""

from evaluation.figures.picture_row import PictureRow, error_row
from evaluation.figures.rows import picture_rows

__all__ = ["PictureRow", "error_row", "picture_rows"]
