"""Where the data sets lie that a user has, as MNIST's files: told in one environment variable.

Workers inherit the environment, so that a task finds the folder wherever it is set up.
"""

from __future__ import annotations

import os
from pathlib import Path

from longlag.bench.contract.errors import BadInput

DATA_VARIABLE = "LONGLAG_DATA"


def data_folder() -> Path | None:
    """The folder of the user's data sets; None where nobody has said."""
    told = os.environ.get(DATA_VARIABLE)
    return Path(told).absolute() if told else None


def use(given: Path | None, recorded: object = None) -> None:
    """Tell tasks, and the workers to come, which folder: `given`, else the one a campaign `recorded`.

    Else, or where the recorded one is gone, the environment decides as it was. Raises BadInput where the
    given one does not exist.
    """
    if given is not None and not given.is_dir():
        raise BadInput(f"--data {given}: no such folder")
    folder = given
    if folder is None and isinstance(recorded, str) and Path(recorded).is_dir():
        folder = Path(recorded)
    if folder is not None:
        os.environ[DATA_VARIABLE] = str(folder.resolve())
