"""`python -m ml_platform.cli`."""

from __future__ import annotations

from ml_platform.cli.main import main

if __name__ == "__main__":
    main()
