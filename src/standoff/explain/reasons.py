"""Why a player would do what, at one decision."""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from standoff.errors import SolveError
from standoff.explain.asked import Asked, Beliefs
from standoff.explain.flips import Flips, search
from standoff.explain.points import find
from standoff.explain.split import Split, belief_about, take_apart
from standoff.explain.spot import Spot
from standoff.names import unknown
from standoff.solve.equilibrium import Equilibrium
from standoff.solve.induction import Progress
from standoff.solve.solver import as_equilibrium
from standoff.text import brief

if TYPE_CHECKING:
    import pandas as pd

    from standoff.replay import Trail

PROPENSITY = "propensity"
"""The part of log-odds that is no payoff: the weight of an option before its payoff counts."""


@dataclass(frozen=True, eq=False)
class Reasons:
    """A decision explained. `K` types of the mover (one where a type was asked for), `A` options, `C` components."""

    asked: Asked
    """What was said of the point."""
    spot: Spot
    types: tuple[str, ...]
    belief: np.ndarray
    """Weight of each type, shape (K,): what is publicly believed, or 1 for the type asked for."""
    options: tuple[str, ...]
    components: tuple[str, ...]
    policy: np.ndarray
    """Probability of each option, shape (K, A)."""
    values: np.ndarray
    """Payoff by component, shape (K, A, C); their sum over components is the value of the option."""
    log_propensity: np.ndarray
    """Shape (A,)."""
    precision: float
    """Of the mover, here."""
    gap: float
    """Largest distance of a sum of components from the value by which the choice was solved."""
    policy_bounds: np.ndarray
    """How far each of `policy` may be from exact play, shape (K, A)."""
    bounds: np.ndarray
    """How far each of `values` may be, shape (K, A, C)."""
    following: Mapping[str, tuple[tuple[str, ...], np.ndarray]]
    """By other player: its moves, and the chance (A, moves) that its next choice, this period or the next, is each of them."""
    choice: str
    """The likeliest option."""
    rival: str
    """The option it is held against: the one asked about, else the one that was taken, else the second likeliest."""
    flips: Flips | None
    """None where they were not asked for."""

    def __repr__(self) -> str:
        return brief(self, self.spot.structure.canonical.name, f"{self.player} in period {self.period}", f"{self.choice} rather than {self.rival}")

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>{self.table.to_html()}"

    @property
    def player(self) -> str:
        """Who decides."""
        return self.spot.player

    @property
    def period(self) -> int:
        """When."""
        return self.spot.period

    @property
    def date(self) -> dt.date | None:
        """When, in a game with dates."""
        return self.spot.date

    @property
    def probabilities(self) -> dict[str, float]:
        """Probability of each option, types averaged."""
        return dict(zip(self.options, (self.belief @ self.policy).tolist(), strict=True))

    @cached_property
    def payoffs(self) -> Any:
        """Payoff as an xarray DataArray with dimensions `type`, `option`, `component`."""
        import xarray as xr

        coords = {"type": list(self.types), "option": list(self.options), "component": list(self.components)}
        return xr.DataArray(self.values, coords=coords, dims=("type", "option", "component"), name=self.player)

    @cached_property
    def log_odds(self) -> Any:
        """Log-odds of each option against the likeliest, split into propensity and precision times components.

        An xarray DataArray with dimensions `type`, `option`, `part`; its sum over parts is the log of the ratio of probabilities.
        """
        import xarray as xr

        best = self.options.index(self.choice)
        habit = np.broadcast_to(self.log_propensity - self.log_propensity[best], self.policy.shape)
        parts = np.concatenate([habit[:, :, None], self.precision * (self.values - self.values[:, best : best + 1])], axis=2)
        coords = {"type": list(self.types), "option": list(self.options), "part": [PROPENSITY, *self.components]}
        return xr.DataArray(parts, coords=coords, dims=("type", "option", "part"), name=self.player)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per type and option: probability, value, and the value by component."""
        import pandas as pd

        rows = [
            {"type": kind, "option": option, "probability": self.policy[k, a], "value": self.values[k, a].sum()}
            | dict(zip(self.components, self.values[k, a], strict=True))
            for k, kind in enumerate(self.types)
            for a, option in enumerate(self.options)
        ]
        return pd.DataFrame(rows).set_index(["type", "option"])

    @cached_property
    def next_moves(self) -> pd.DataFrame:
        """What the others do next: one row per player and move, one column per option after which they do it."""
        import pandas as pd

        rows = {(player, move): chances[:, j] for player, (moves, chances) in self.following.items() for j, move in enumerate(moves)}
        index = pd.MultiIndex.from_tuples(list(rows), names=["player", "move"]) if rows else None
        return pd.DataFrame(list(rows.values()), index=index, columns=list(self.options))


def explain(
    eq: Equilibrium,
    player: str | None = None,
    *,
    type: str | None = None,  # noqa: A002 - the word of the model
    at: int | str | dt.date | None = None,
    turn: str | None = None,
    state: Mapping[str, Any] | None = None,
    beliefs: Beliefs | None = None,
    event: str | None = None,
    trail: Trail | None = None,
    against: str | None = None,
    flips: bool = True,
    workers: int = 2,
    progress: Progress | None = None,
) -> Reasons:
    """Explain a decision: what the player does, why, what the others do next, and what would change its mind.

    The decision is, in this order: that of an `event` of the replayed record (`trail`), at the belief just before it; that of a declared
    `state` (variables not named as at the start) at a date or period `at`; that on the record's path at `at`; or the player's next one
    where the record leaves the game open, or from the start. `beliefs` replace what is believed there.

    The likeliest option is held against the one that the record tells was taken, or else the second likeliest; `against` names another, and the
    flips are then the changes that make it the likeliest, where otherwise they are those that make any other so.

    `flips` solves the game again for each free parameter (a few times each), with the belief held.

    Raises SolveError for unknown names, dates outside the clock, and points at which nobody, or somebody else, decides.

    >>> import standoff as so
    >>> eq = so.solve(so.build(so.load("one-shot-threat")))
    >>> why = so.explain(eq, "challenger", type="bluffing", flips=False)
    >>> why.choice, why.rival
    ('threaten', 'stay_silent')
    >>> why.payoffs.sel(option="stay_silent").sum().item()
    0.0
    """
    eq = as_equilibrium("explain", eq)
    asked = Asked(player, at, turn, dict(state or {}), dict(beliefs or {}), event)
    spot = find(eq, asked, trail)
    kinds = spot.structure.canonical.players[spot.mover].types
    if type is not None and type not in kinds:
        raise SolveError(unknown(f"type of {spot.player}", type, kinds))
    if against is not None:
        against = against.removeprefix(f"{spot.player}.")
        if against not in spot.menu:
            raise SolveError(unknown(f"option of {spot.player} at that point", against, spot.menu))
    split = take_apart(spot)
    rows = [kinds.index(type)] if type is not None else list(range(len(kinds)))
    belief = np.ones(1) if type is not None else belief_about(spot)
    chances = belief @ split.probe.policy[rows]
    ranked = [spot.menu[a] for a in np.argsort(-chances, kind="stable")]
    if len(ranked) < 2:
        raise SolveError(f"{spot.player} has one option there ({ranked[0]}), so there is no choice to explain; name another date or state")
    if against == ranked[0]:
        raise SolveError(f"{against} is the likeliest option itself; hold another against it: {', '.join(ranked[1:])}")
    changes = None
    if flips:
        whole = np.zeros(len(kinds))
        whole[rows] = belief
        changes = search(spot, whole, against or ranked[0], gains=against is not None, workers=workers, progress=progress)
    taken = spot.told if spot.told != ranked[0] else None
    first = int(spot.structure.option_start[spot.node])
    arrays = spot.solved.game.arrays
    return Reasons(
        asked=asked,
        spot=spot,
        types=tuple(kinds[k] for k in rows),
        belief=belief,
        options=spot.menu,
        components=split.components,
        policy=split.probe.policy[rows],
        values=split.values[rows],
        log_propensity=arrays.log_w[first : first + len(spot.menu)],
        precision=float(arrays.precision[spot.node]),
        gap=split.gap,
        policy_bounds=split.policy_bounds[rows],
        bounds=split.bounds[rows],
        following=_following(split, rows, belief),
        choice=ranked[0],
        rival=against or taken or ranked[1],
        flips=changes,
    )


def _following(split: Split, rows: list[int], belief: np.ndarray) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    """Average what the others do next over the mover's types, given each option."""
    joint = belief[:, None] * split.probe.policy[rows]  # (K, A)
    given = joint / joint.sum(axis=0)
    return {player: (moves, np.einsum("ka,akj->aj", given, chances[:, rows])) for player, (moves, chances) in split.following.items()}
