"""The child that runs MLflow's own server on a private socket, as long as its parent lives."""

from __future__ import annotations

import os
import sys
import threading


def main(path: str) -> None:
    """Serve on the socket `path` until standard input ends: even a parent that was killed leaves no child behind."""
    import uvicorn

    threading.Thread(target=_until_alone, daemon=True).start()
    uvicorn.run("mlflow.server.fastapi_app:app", uds=path, log_level="critical", access_log=False, server_header=False)


def _until_alone() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
