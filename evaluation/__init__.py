"""Middle floor of cyclevox: arrays and tables in, numbers and figures out; knows neither torch nor MONAI."""
