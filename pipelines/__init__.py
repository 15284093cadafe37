"""Top floor of cyclevox: the method in torch and MONAI, and the studies and commands that use it."""
