"""The door of cyclevox: a guard against hidden packages, the bundle's place, the version, the command line.

Importing this module loads neither torch nor MONAI. Every config of the bundle imports it first, and calls
`check_packages` first: MONAI holds back an error of an import until the imported name is used.
"""

import sys
from importlib.machinery import PathFinder
from pathlib import Path

__version__ = "0.1.0"
__all__ = ["__version__", "bundle_path", "check_packages", "main"]

_HOME = Path(__file__).resolve().parent
_FLOORS = ("preprocessing", "evaluation", "pipelines")


def check_packages() -> None:
    """Check that the packages `preprocessing`, `evaluation` and `pipelines` that Python finds are ours.

    It runs when this module is imported.

    Raises:
        ImportError: If another package of that name comes first on the import path, or ours is missing.
    """
    for name in _FLOORS:
        origin = _origin(name)
        if origin is None:
            raise ImportError(
                f"cyclevox expects its package {name!r} in {_HOME}, found none: install cyclevox again"
            )
        if not _is_own(origin):
            in_the_way = origin.parent if origin.name == "__init__.py" else origin
            raise ImportError(
                f"cyclevox expects its own package {name!r} from {_HOME / name}, but {in_the_way} comes "
                f"first on the import path and hides it. Start from another folder, or rename {in_the_way}."
            )


def bundle_path() -> Path:
    """Give the folder of the MONAI bundle (`configs/`, `docs/`), which lies beside this module.

    This is right for editable and plain installs alike. The import system is not asked: it might find a
    user's own folder named `bundle`.

    Raises:
        FileNotFoundError: If that folder holds no `configs/`, so that the installation is broken.
    """
    bundle = _HOME / "bundle"
    if not (bundle / "configs").is_dir():
        raise FileNotFoundError(
            f"expected the bundle's folder 'configs' in {bundle}, found none: install cyclevox again"
        )
    return bundle


def main() -> None:
    """Run the command `cyclevox`."""
    from pipelines.commands.app import run

    run()


def _origin(name: str) -> Path | None:
    """Give the file or folder that `import name` uses or would use, importing nothing; None without one."""
    if name in sys.modules:
        loaded = sys.modules[name]
        places = [getattr(loaded, "__file__", None), *getattr(loaded, "__path__", [])]
    else:
        spec = PathFinder.find_spec(name)
        places = [spec.origin, *(spec.submodule_search_locations or [])] if spec else []
    return next((Path(place).resolve() for place in places if place), None)


def _is_own(origin: Path) -> bool:
    """Tell whether a package's file lies beside this module or a copy of it (a clone of the project)."""
    door = origin.parent.parent / "cyclevox.py"
    return (
        origin.name == "__init__.py" and door.is_file() and door.read_bytes() == Path(__file__).read_bytes()
    )


check_packages()
