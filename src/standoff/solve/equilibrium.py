"""A solved game, and reading it: it answers for any public state and belief."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, SupportsFloat

import numpy as np

from standoff.errors import SolveError
from standoff.game import DECISION, Game
from standoff.game.tree import histories_from
from standoff.names import instead, listed, unknown
from standoff.scenario.scopes import in_kind, is_value
from standoff.solve._follow import stand
from standoff.solve._moments import stand_together
from standoff.solve._sweep import LineTable
from standoff.solve.certificate import Certificate
from standoff.solve.exact import Exact, exact
from standoff.solve.grid import BeliefGrid, to_beliefs, to_coordinates
from standoff.solve.induction import Workspace, make_workspace
from standoff.solve.together import way
from standoff.solve.whole import action_values
from standoff.text import brief

TREES = 16
"""Solutions from points that were asked for that are kept."""


@dataclass(frozen=True)
class Probe:
    """The solution at one public state and exact belief; `K` types of the mover, `A` options, `Y` observations, `C` columns."""

    node: int
    x: np.ndarray  # (D,)
    policy: np.ndarray  # (K, A)
    action_values: np.ndarray  # (K, A)
    likelihood: np.ndarray  # (Y, K)
    posteriors: np.ndarray  # (Y, D) belief coordinates after each observation; held back while others choose at the same moment
    values: np.ndarray  # (C,)
    residual: float
    folds: int
    child: int = -1
    """Of an exact solution: the history after the first observation; -1 where the probe was read from the grid."""


@dataclass(frozen=True, eq=False)
class Equilibrium:
    """A solved game: values and behaviour on the belief grid, and how far they can be trusted.

    At the nodes of players who choose at the same moment all tables are by the belief before the first of them, and values those after what the
    players before have chosen.
    """

    game: Game
    grid: BeliefGrid
    lines: LineTable
    values: np.ndarray  # (n, M, C)
    log_policy: np.ndarray  # (o, M, K) log-odds against the first option of the node
    sweep: Mapping[str, float]
    certificate: Certificate | None
    seconds: float
    unsolved: np.ndarray  # (n,) stages of the grid that no method solved
    exact: Exact | None = None
    """The solution on all public histories from the start, or from the point at which it was `rooted`."""
    most: int = 0
    """From any point from which there are at most so many public histories the game is solved exactly when it is asked for."""
    trees: dict[tuple[int, bytes], Equilibrium] = field(default_factory=dict, repr=False)
    """What was so solved, by node and belief coordinates."""

    def __repr__(self) -> str:
        met = "no certificate" if self.certificate is None else f"certificate {'met' if self.certificate.met else 'NOT MET'}"
        return brief(self, self.game.canonical.name, f"solved in {self.seconds:.1f} s", met)

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>{self.policy().to_pandas().to_html()}"

    @property
    def on_grid(self) -> Equilibrium:
        """The same solution, read from the belief grid alone."""
        return replace(self, exact=None, most=0) if self.exact is not None or self.most else self

    @cached_property
    def _histories(self) -> np.ndarray:
        return histories_from(self.game.structure)

    def rooted(self, node: int, x: np.ndarray) -> Equilibrium:
        """Return the solution that answers for a node and belief: exact on the public histories from there where there are few, else the grid.

        Where the equations of those histories cannot be solved, the grid answers as well.
        """
        head = int(self.game.structure.head[node])
        if not self.most or (self.exact is not None and self.exact.find(node, x) is not None):
            return self
        if self._histories[head] > self.most:
            return self.on_grid
        key = head, np.ascontiguousarray(x, dtype=float).tobytes()
        if key not in self.trees:
            while len(self.trees) >= TREES:
                self.trees.pop(next(iter(self.trees)))
            try:
                self.trees[key] = replace(self, exact=exact(self.game, at=(head, np.array(x, dtype=float)), workers=1))
            except SolveError:
                self.trees[key] = self.on_grid
        return self.trees[key]

    @cached_property
    def _work(self) -> Workspace:
        return make_workspace(self.game, self.grid, self.values.shape[2])

    @property
    def prior(self) -> np.ndarray:
        """Belief coordinates of the prior, shape (D,)."""
        return to_coordinates(self.game.priors)

    def probe(self, node: int, x: np.ndarray | None = None, *, retrace: bool = True, work: Workspace | None = None) -> Probe:
        """Solve the stage at a node and exact belief coordinates (the prior if none).

        It is traced along the principal branch from precision 0; `retrace=False` starts from the policy on the grid instead. `work` is scratch
        of the calling thread. On a public history of a game that was solved exactly it is the exact solution. Where players choose at the same
        moment the belief is the one before the first of their choices.
        """
        x = self.prior if x is None else np.ascontiguousarray(x, dtype=float)
        history = self.exact.find(node, x) if self.exact is not None and retrace else None
        if history is not None:
            return self._on_history(history)
        if not self.values.size:
            raise SolveError("this game was solved exactly, without a belief grid, and no public history leads to that point")
        if self.game.structure.together[node]:
            return self._at_once(node, x, retrace, work or self._work) if self.grid.n_axes else self._on_whole(node, x)
        game, work = self.game, work or self._work
        residual, folds, _ = stand(
            node, x, self.lines, self.grid.combination, game.arrays, game.payoffs, self.values, self.log_policy,
            work.stage, work.scratch, work.follow, retrace,
        )  # fmt: skip
        g = game.arrays
        n_options = int(g.option_start[node + 1] - g.option_start[node])
        n_obs = int(g.observation_start[node + 1] - g.observation_start[node])
        owner = int(g.owner[node])
        k = game.n_types[owner] if owner >= 0 else 1
        s = work.stage
        posteriors = np.tile(x, (n_obs, 1))
        if owner >= 0 and k > 1:
            axis = self.grid.first_axis[owner]
            posteriors[:, axis : axis + k - 1] = s.post[:n_obs, : k - 1]
        return Probe(
            node, x.copy(), s.sigma[:k, :n_options].copy(), s.q[:n_options, :k].T.copy(), np.exp(s.log_like[:n_obs, :k]), posteriors,
            work.scratch.value.copy(), float(residual), int(folds),
        )  # fmt: skip

    def _on_history(self, history: int) -> Probe:
        exact = self.exact
        assert exact is not None
        node, child = int(exact.tree.node[history]), int(exact.tree.child[history])
        likelihood = exact.likelihood(history)
        decides = self.game.structure.kind[node] == DECISION
        nothing = np.zeros((likelihood.shape[1], 0))
        return Probe(
            node, exact.known[history].copy(), exact.at(history) if decides else nothing, exact.action_values(history) if decides else nothing,
            likelihood, exact.known[child : child + len(likelihood)].copy(), exact.values[history].copy(), exact.certificate.residual, 0, child,
        )  # fmt: skip

    def _at_once(self, node: int, x: np.ndarray, retrace: bool, work: Workspace) -> Probe:
        """Solve the choices of all who choose at the same moment anew."""
        game, g, joint = self.game, self.game.arrays, work.joint
        residual, folds, members = stand_together(
            int(g.head[node]), x, self.grid.combination, self.lines, g, game.payoffs, self.values, self.log_policy, joint, retrace
        )
        before = way(game.structure, node)
        m, history = len(before), 0
        for _, option in before:
            history = int(joint.tree.child[history]) + option
        k, n_options = game.n_types[int(g.owner[node])], int(g.option_start[node + 1] - g.option_start[node])
        posteriors = np.tile(x, (n_options, 1))
        if m + 1 == members:
            for member, (one, option) in enumerate(before):
                self._own(posteriors, one)[:] = joint.post[member, option, : game.n_types[int(g.owner[one])] - 1]
            self._own(posteriors, node)[:] = joint.post[m, :n_options, : k - 1]
        sigma = joint.moment.sigma[m, :k, :n_options].copy()
        return Probe(
            node, x.copy(), sigma, joint.moment.q[m, :k, :n_options].copy(), sigma.T.copy(), posteriors, joint.value[history].copy(), float(residual),
            int(folds),
        )  # fmt: skip

    def _own(self, posteriors: np.ndarray, node: int) -> np.ndarray:
        """Return the coordinates of a node's owner."""
        owner = int(self.game.arrays.owner[node])
        axis = self.grid.first_axis[owner]
        return posteriors[:, axis : axis + self.game.n_types[owner] - 1]

    def _on_whole(self, node: int, x: np.ndarray) -> Probe:
        """Read a choice made at once in a game without secrets, which was solved whole."""
        game, g = self.game, self.game.arrays
        assert self.certificate is not None
        u = self.log_policy[g.option_start[node] : g.option_start[node + 1], 0, 0]
        sigma = np.exp(u - u.max())[None] / np.exp(u - u.max()).sum()
        worth = action_values(game, self.values, self.log_policy, node)
        nothing = np.zeros((sigma.shape[1], 0))
        return Probe(node, x.copy(), sigma, worth[None], sigma.T, nothing, self.values[node, 0], self.certificate.stage_residual, 0)

    def beliefs(self, x: np.ndarray) -> dict[str, dict[str, float]]:
        """Return the belief about every player with a secret, by player and type."""
        found = {}
        for player, belief in zip(self.game.canonical.players, to_beliefs(x, self.game.n_types), strict=True):
            if len(player.types) > 1:
                found[player.name] = {name: float(p) for name, p in zip(player.types, belief, strict=True)}
        return found

    def policy_at(self, node: int, x: np.ndarray | None = None) -> dict[str, dict[str, float]]:
        """Return the mover's choice probabilities by type and option at a decision point."""
        game = self.game
        owner = int(game.arrays.owner[node])
        x = self.prior if x is None else x
        probe = self.rooted(node, x).probe(node, x)
        rows = range(game.arrays.option_start[node], game.arrays.option_start[node + 1])
        names = [game.option_address(row).split(".", 1)[1] for row in rows]
        types = game.canonical.players[owner].types
        return {kind: {name: float(p) for name, p in zip(names, probe.policy[k], strict=True)} for k, kind in enumerate(types)}

    def first_decision(self) -> tuple[int, np.ndarray]:
        """Return the first decision point with a choice on the likeliest way from the start, and the belief there."""
        game, node, x = self.game, int(self.game.structure.roots[0]), self.prior
        g = game.arrays
        passed = set()
        while g.option_start[node + 1] - g.option_start[node] < 2:
            passed.add(node)
            if g.observation_start[node + 1] == g.observation_start[node] or int(g.target[g.observation_start[node]]) in passed:
                raise SolveError("nobody has a choice in this game")
            probe = self.probe(node, x)
            owner = int(g.owner[node])
            belief = to_beliefs(x, game.n_types)[owner] if owner >= 0 else np.ones(1)
            y = int(np.argmax(probe.likelihood @ belief))
            x = probe.posteriors[y]
            node = int(g.target[g.observation_start[node] + y])
        return node, x

    def policy(
        self,
        *,
        turn: str | None = None,
        period: int = 0,
        state: Mapping[str, Any] | None = None,
        beliefs: Mapping[str, Mapping[str, float]] | None = None,
    ) -> Any:
        """Return choice probabilities at a turn as an xarray DataArray with dimensions `type` and `option`.

        What is not said is as at the start: the first turn with a choice, the start values of the state, the prior beliefs.

        Raises SolveError when the game does not contain that public state at that turn.

        >>> import standoff as so
        >>> eq = so.solve(so.build(so.load("repeated-signalling"), {}))
        >>> round(float(eq.policy().sel(type="weak", option="press")), 3)
        0.422
        """
        import xarray as xr

        if turn is None and state is None and beliefs is None and period == 0:
            node, x = self.first_decision()
        else:
            node, x = self.locate(turn=turn, period=period, state=state or {}), self.coordinates(beliefs or {})
        table = self.policy_at(node, x)
        types = list(table)
        options = list(table[types[0]])
        player = self.game.canonical.players[int(self.game.arrays.owner[node])].name
        data = np.array([[table[kind][option] for option in options] for kind in types])
        return xr.DataArray(data, coords={"type": types, "option": options}, dims=("type", "option"), name=player)

    def value(self, player: str, *, beliefs: Mapping[str, Mapping[str, float]] | None = None) -> Any:
        """Return a player's expected payoff at the start by own type, as an xarray DataArray with dimension `type`.

        >>> import standoff as so
        >>> eq = so.solve(so.build(so.load("one-shot-threat")))
        >>> eq.value("challenger").dims
        ('type',)
        """
        import xarray as xr

        i = self.game.position(player)
        columns = self.game.arrays.columns
        node, x = int(self.game.structure.roots[0]), self.coordinates(beliefs or {})
        probe = self.rooted(node, x).probe(node, x)
        spec = self.game.canonical.players[i]
        return xr.DataArray(probe.values[columns[i] : columns[i + 1]], coords={"type": list(spec.types)}, dims=("type",), name=player)

    def coordinates(self, beliefs: Mapping[str, Mapping[str, float]], base: np.ndarray | None = None) -> np.ndarray:
        """Return belief coordinates with the given players' distributions replaced; what a distribution leaves is shared as in `base`."""
        parts = to_beliefs(self.prior if base is None else base, self.game.n_types)
        for name, given in beliefs.items():
            i = self.game.position(name)
            types = self.game.canonical.players[i].types
            if not isinstance(given, Mapping):
                raise SolveError(f'what is believed about {name} is given by type, as in {{"{types[0]}": 0.9}}, not as {given!r}')
            for kind, chance in given.items():
                if kind not in types:
                    raise SolveError(unknown(f"type of {name}", kind, types))
                if isinstance(chance, str) or not isinstance(chance, SupportsFloat):
                    raise SolveError(f"the belief that {name} is {kind} must be a number, not {chance!r}")
            new = np.array([given.get(kind, np.nan) for kind in types])
            missing = np.isnan(new)
            rest = 1.0 - np.nansum(new)
            share = parts[i][missing]
            new[missing] = rest * (share / share.sum() if share.sum() > 0 else np.full(len(share), 1 / max(len(share), 1)))
            if (new < -1e-12).any() or abs(new.sum() - 1) > 1e-9:
                raise SolveError(f"the belief about {name} must be probabilities that sum to 1, not {dict(given)}")
            parts[i] = new
        return to_coordinates(parts)

    def locate(self, *, turn: str | None = None, period: int = 0, state: Mapping[str, Any] | None = None) -> int:
        """Return the node of a turn in a declared state (other variables at their start values)."""
        structure, canonical = self.game.structure, self.game.canonical
        turns = [spec.name for spec in canonical.turns]
        if turn is not None and turn not in turns:
            raise SolveError(unknown("turn", turn, turns))
        codes = [spec.start for spec in canonical.variables]
        variables = [spec.name for spec in canonical.variables]
        for name, value in (state or {}).items():
            if name not in variables:
                raise SolveError(unknown("state variable", name, variables))
            i = variables.index(name)
            values = canonical.variables[i].values
            if not is_value(value, values):
                alike = type(value) is type(values[0])
                shown = instead(value, map(str, values), "its values are") if alike else f"its values are {listed(map(in_kind, values))}"
                raise SolveError(f"{name} is never {repr(value) if alike else in_kind(value)}; {shown}")
            codes[i] = canonical.variables[i].values.index(value)
        for name in turns if turn is None else [turn]:
            nodes = structure.nodes_at(f"turn:{name}")
            nodes = nodes[(structure.period[nodes] == period) & (structure.state[structure.head[nodes], : len(codes)] == codes).all(axis=1)]
            if len(nodes):
                return int(nodes[0])
        raise SolveError(
            f"the game has no turn{'' if turn is None else f' {turn}'} in period {period} with state {dict(state or {})}; "
            "declare it as a point to include it"
        )
