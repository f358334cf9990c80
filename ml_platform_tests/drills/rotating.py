"""Rotate a home's keys again and again, until killed: `python -m ml_platform_tests.drills.rotating HOME`."""

from __future__ import annotations

import sys
from pathlib import Path

from ml_platform.adapters.key_rotation import rewrap_all
from ml_platform.adapters.keys import FileKeys
from ml_platform.adapters.sealed_home import sealed_files


def main(home: Path) -> None:
    keys = FileKeys(home)
    keys.add()  # loads what sealing needs
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        rewrap_all(sealed_files(home), keys)
        keys.add()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
