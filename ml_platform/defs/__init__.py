"""The shipped governed models: one folder each, with `defs.yaml` for what it is and `features.py` for its features."""
