"""Import trees of DICOM, NIfTI, NRRD and MetaImage files into volumes under pseudonyms."""

from preprocessing.importing.tree_import import ImportReport, TreeImport, TreeImportError

__all__ = ["ImportReport", "TreeImport", "TreeImportError"]
