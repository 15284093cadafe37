"""Top floor of cyclevox: the method in torch and MONAI, and the studies, services and commands that use it."""
