"""Ground floor of cyclevox: from files to prepared volumes with SimpleITK; knows neither torch nor MONAI."""
