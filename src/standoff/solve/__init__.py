"""Logit Markov perfect Bayesian equilibrium on a belief grid, with a certificate."""

from standoff.solve.certificate import Certificate
from standoff.solve.certification import certify
from standoff.solve.equilibrium import Equilibrium, Probe
from standoff.solve.induction import Progress
from standoff.solve.solver import solve

__all__ = ["Certificate", "Equilibrium", "Probe", "Progress", "certify", "solve"]
