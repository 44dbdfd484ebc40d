"""Running mmpose's own command line tools."""
import runpy
from pathlib import Path

from ktn_mm.registration import require_openmmlab


def mmpose_tool(name: str) -> Path:
    """Return the path of ``tools/<name>.py`` of the installed mmpose.

    Raises:
        FileNotFoundError: this mmpose has no such tool.
    """
    import mmpose
    package = Path(mmpose.__file__).parent
    places = (package / '.mim' / 'tools' / f'{name}.py', package.parent / 'tools' / f'{name}.py')
    for place in places:
        if place.is_file():
            return place
    raise FileNotFoundError(f'mmpose {mmpose.__version__} has no tools/{name}.py; looked at '
                            + ' and '.join(map(str, places)))


def run_mmpose_tool(name: str) -> None:
    """Run a tool of mmpose with this process's arguments, as ``python tools/<name>.py`` would."""
    require_openmmlab()
    runpy.run_path(str(mmpose_tool(name)), run_name='__main__')
