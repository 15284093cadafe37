"""Choose a cohort's cases from a table of series or a folder of files, and split them by patient."""

from preprocessing.selection.choice import Choice, SelectionError
from preprocessing.selection.cohort_selection import CohortSelection, SelectionReport
from preprocessing.selection.split import SplitShares

__all__ = ["Choice", "CohortSelection", "SelectionError", "SelectionReport", "SplitShares"]
