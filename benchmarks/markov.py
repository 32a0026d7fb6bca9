"""draft"""
import numpy as np
from standoff.solve.markov import MarkovGame

def random_arrays(n_states, n_players, n_actions, delta, seed):
    """Same draws as sgamesolver.SGame.random_game."""
    rng = np.random.default_rng(seed)
    if isinstance(n_actions, int):
        na = np.full((n_states, n_players), n_actions)
    else:
        na = rng.integers(low=n_actions[0], high=n_actions[1], size=(n_states, n_players), endpoint=True)
    u = [rng.random((n_players, *na[s])) for s in range(n_states)]
    phi = [rng.exponential(scale=1, size=(*na[s], n_states)) for s in range(n_states)]
    for s in range(n_states):
        phi[s] /= phi[s].sum(-1, keepdims=True)
    return na, u, phi

def game_of(na, u, phi, delta, precision):
    n, P = na.shape
    prof = na.prod(1)
    profiles = int(prof.sum())
    return MarkovGame(P, np.arange(n + 1) * P, np.tile(np.arange(P), n), na.ravel(), np.zeros(na.sum()), np.full(n * P, float(precision)),
        np.concatenate([[0], np.cumsum(prof)]), np.concatenate([x.reshape(P, -1).T for x in u]), np.arange(profiles + 1) * n,
        np.tile(np.arange(n), profiles), delta * np.concatenate([x.ravel() for x in phi]))

def sparse_game(n, P, acts, k, delta, precision, seed, local=None):
    rng = np.random.default_rng(seed)
    na = rng.integers(acts[0], acts[1], size=(n, P), endpoint=True)
    prof = na.prod(1); profiles = int(prof.sum())
    reward = rng.random((profiles, P))
    owner = np.repeat(np.arange(n), prof)
    counts = rng.integers(3, 5, size=profiles, endpoint=True) if k is None else np.full(profiles, k)
    st = []
    for p in range(profiles):
        if local: st.append((owner[p] + rng.integers(-local, local + 1, size=counts[p])) % n)
        else: st.append(rng.choice(n, counts[p], replace=False))
    w = [rng.exponential(size=c) for c in counts]
    w = [delta * x / x.sum() for x in w]
    return MarkovGame(P, np.arange(n + 1) * P, np.tile(np.arange(P), n), na.ravel(), np.zeros(na.sum()), np.full(n * P, float(precision)),
        np.concatenate([[0], np.cumsum(prof)]), reward, np.concatenate([[0], np.cumsum(counts)]), np.concatenate(st), np.concatenate(w))
