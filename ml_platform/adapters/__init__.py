"""The outside behind ports: stores, ledger, tracking, logs; each file is one adapter."""
