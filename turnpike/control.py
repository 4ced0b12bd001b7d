"""Where a system's control socket is, and how an operator finds it."""

from pathlib import Path
from typing import Final

from runtime.control_client import NobodyThere, Refused, status
from storage.embedded.folder import default_data_folder

HOME: Final = Path(__file__).parents[1]


def control_socket(data_folder: Path) -> Path:
    """The control socket of the system whose data are in the folder."""
    return data_folder / "control.sock"


async def find_system(data_folder: Path | None) -> Path:
    """The control socket of the one system that runs: on these data, or else on those of a shop or sandbox here.

    Raises `Refused` if there is none, or more than one.
    """
    if data_folder is not None:
        return control_socket(data_folder)
    folders = [default_data_folder("shop", Path.cwd()), default_data_folder("sandbox", HOME)]
    running = [folder for folder in folders if await _answers(control_socket(folder))]
    if not running:
        places = " or ".join(str(folder) for folder in folders)
        raise NobodyThere(f"no system runs on the data in {places}; give another data folder with --data")
    if len(running) > 1:
        places = " and ".join(str(folder) for folder in running)
        raise Refused(f"systems run on {places}: say with --data which of them you mean")
    return control_socket(running[0])


async def _answers(path: Path) -> bool:
    try:
        await status(path)
    except NobodyThere:
        return False
    except Refused:
        return True
    return True
