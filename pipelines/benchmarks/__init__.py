"""Speed and memory against what users have today, as ratios measured in one run."""
