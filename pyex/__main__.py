"""``python -m pyex``: the shell."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # Python put the working folder first. A stray shell.py there is not our shell, which lies beside this
    # package; the shell makes the path of the user's imports itself.
    sys.path[: 0 if sys.flags.safe_path else 1] = [str(Path(__file__).resolve().parent.parent)]

    from shell.cli import main

    sys.exit(main())
