"""The table of claims under every change of the modeller's own choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from standoff.robust.survival import WORST_FIRST, Judged, Standing, standing
from standoff.robust.variants import Variant
from standoff.scenario.models import Claim
from standoff.text import brief
from standoff.worlds import Worlds

if TYPE_CHECKING:
    import pandas as pd

CHANGED = 1e-9
"""Shares that differ by less are the same but for rounding."""


@dataclass(frozen=True)
class Row:
    """One claim: as the scenario stands, and under every variant by name."""

    name: str
    claim: Claim
    base: Judged
    under: Mapping[str, Judged]

    def standing(self, variant: str) -> Standing:
        """Say what a variant does to the verdict."""
        return standing(self.base, self.under[variant])

    @property
    def survives(self) -> Standing:
        """The worst that any variant does to it; `not measured` when none could be compared."""
        found = {self.standing(name) for name in self.under}
        return next((worst for worst in WORST_FIRST if worst in found), "not measured")

    @property
    def turned_by(self) -> tuple[str, ...]:
        """The variants that do the worst to it; none when it survives."""
        worst = self.survives
        return tuple(name for name in self.under if self.standing(name) == worst) if worst in ("breaks", "bends") else ()

    @property
    def largest(self) -> tuple[str, float] | None:
        """The variant that changes the share most, and by how much; None when none changes it."""
        changes = {name: other.share - self.base.share for name, other in self.under.items() if self.standing(name) != "not measured"}
        name = max(changes, key=lambda one: abs(changes[one]), default=None)
        return None if name is None or abs(changes[name]) < CHANGED else (name, changes[name])


@dataclass(frozen=True)
class Robustness:
    """What every change of the modeller's choices does to every verdict."""

    base: Worlds
    variants: tuple[Variant, ...]
    rows: tuple[Row, ...]
    idle: Mapping[str, str]
    """The variants that could not be run at all, with the reason."""

    def __repr__(self) -> str:
        return brief(self, self.base.canonical.name, f"{len(self.rows)} claims", f"{len(self.variants)} variants")

    def __getitem__(self, name: str) -> Row:
        return next(row for row in self.rows if row.name == name)

    def which(self, survives: Standing) -> tuple[str, ...]:
        """Return the claims of which this is the worst that any variant does."""
        return tuple(row.name for row in self.rows if row.survives == survives)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per claim and variant."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "claim": row.name, "variant": name, "verdict": other.verdict, "share": other.share, "low": other.low, "high": other.high,
                    "worlds": other.worlds, "weighted": other.weighted, "base_verdict": row.base.verdict, "base_share": row.base.share,
                    "standing": row.standing(name), "reason": other.reason,
                }
                for row in self.rows
                for name, other in row.under.items()
            ]
        )  # fmt: skip
