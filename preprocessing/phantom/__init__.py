"""A digital hip with known truth: anatomy, tissues, MR and CT scanners, and cohorts of patients."""

from preprocessing.phantom.acquisition import acquire_ct, acquire_mr, ct_truth, mr_truth
from preprocessing.phantom.anatomy import HipAnatomy, Tissue
from preprocessing.phantom.cohort import write_phantom_cohort
from preprocessing.phantom.labels import LABEL_IDS, LABELS, MUSCLES
from preprocessing.phantom.patient import VARIANCES, Patient, change_pose, draw_patient, typical_patient
from preprocessing.phantom.sampling import AnatomySample, sample_anatomy
from preprocessing.phantom.scan_grids import axial_grid, coronal_grid, make_grid
from preprocessing.phantom.scanning import scan_grid
from preprocessing.phantom.signal import SpoiledGradientEcho
from preprocessing.phantom.texture import make_texture
from preprocessing.phantom.tissue import TISSUES, draw_tissues

__all__ = [
    "LABELS",
    "LABEL_IDS",
    "MUSCLES",
    "TISSUES",
    "VARIANCES",
    "AnatomySample",
    "HipAnatomy",
    "Patient",
    "SpoiledGradientEcho",
    "Tissue",
    "acquire_ct",
    "acquire_mr",
    "axial_grid",
    "change_pose",
    "coronal_grid",
    "ct_truth",
    "draw_patient",
    "draw_tissues",
    "make_grid",
    "make_texture",
    "mr_truth",
    "sample_anatomy",
    "scan_grid",
    "typical_patient",
    "write_phantom_cohort",
]
