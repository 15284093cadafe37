"""Middle floor of cyclevox: arrays and tables in, numbers, figures and pages out; knows neither torch nor MONAI."""
