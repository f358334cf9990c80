"""The shipped governed models: one folder each, `defs.yaml` says what a model is, `features.py` how its features are made."""
