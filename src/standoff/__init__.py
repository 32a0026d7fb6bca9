"""standoff: a workbench for strategic crises.

>>> import standoff as so
>>> scenario = so.load("one-shot-threat")
>>> game = so.build(scenario)
>>> eq = so.solve(game)
>>> eq.certificate.met
True
"""

# Nothing is imported here that Python has not loaded by itself: `python -m standoff` still has the working directory on its path.
import sys
from importlib import import_module
from types import ModuleType

from standoff.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from standoff.chain import build
    from standoff.compare import compare
    from standoff.explain import explain
    from standoff.export import export
    from standoff.forecasts import score
    from standoff.gallery import gallery
    from standoff.record import read_record
    from standoff.replay import replay
    from standoff.robust import robust
    from standoff.scenario import Builder, Scenario, bundled, check, load, load_chain
    from standoff.scenarios import record_path
    from standoff.simulate import Intervention, simulate
    from standoff.solve import branches, exact, solve
    from standoff.verdicts import judge, settle
    from standoff.worlds import sample

# Heavy libraries load with the first call that needs them.
_HOMES = {
    "Builder": "scenario", "Intervention": "simulate", "Scenario": "scenario", "branches": "solve", "build": "chain", "bundled": "scenario",
    "check": "scenario", "compare": "compare", "exact": "solve", "explain": "explain", "export": "export", "gallery": "gallery", "judge": "verdicts",
    "load": "scenario", "load_chain": "scenario", "read_record": "record", "record_path": "scenarios", "replay": "replay", "robust": "robust",
    "sample": "worlds", "score": "forecasts", "settle": "verdicts", "simulate": "simulate", "solve": "solve",
}  # fmt: skip

__all__ = [
    "Builder",
    "Intervention",
    "Scenario",
    "__version__",
    "branches",
    "build",
    "bundled",
    "check",
    "compare",
    "exact",
    "explain",
    "export",
    "gallery",
    "judge",
    "load",
    "load_chain",
    "read_record",
    "record_path",
    "replay",
    "robust",
    "sample",
    "score",
    "settle",
    "simulate",
    "solve",
]


class _Root(ModuleType):
    """The root package: `solve`, `simulate`, `replay` and others are the functions, though the packages that hold them are named so too."""

    def __setattr__(self, name: str, value: "Any") -> None:
        # The import system binds a package to its parent when it is first imported, which would hide the function.
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Root


def __getattr__(name: str) -> "Any":
    if name not in _HOMES:
        raise AttributeError(f"module 'standoff' has no attribute {name!r}")
    value = getattr(import_module(f"standoff.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
