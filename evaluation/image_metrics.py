"""All image metrics by one name: import them from here, each is defined in the file of its kind."""

from evaluation.hounsfield import TISSUES, TissueError, hu_mae, hu_me, tissue_errors
from evaluation.mutual_information import (
    mutual_information,
    normalised_mutual_information,
    slicewise_mutual_information,
)
from evaluation.windowed import windowed_mae, windowed_mse, windowed_psnr, windowed_ssim, windowed_ssim_3d

__all__ = [
    "TISSUES",
    "TissueError",
    "hu_mae",
    "hu_me",
    "mutual_information",
    "normalised_mutual_information",
    "slicewise_mutual_information",
    "tissue_errors",
    "windowed_mae",
    "windowed_mse",
    "windowed_psnr",
    "windowed_ssim",
    "windowed_ssim_3d",
]
