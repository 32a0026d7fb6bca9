"""Logit Markov perfect Bayesian equilibrium on a belief grid, with a certificate."""

from standoff.solve.certificate import Certificate
from standoff.solve.equilibrium import Equilibrium, Probe, solve

__all__ = ["Certificate", "Equilibrium", "Probe", "solve"]
