"""Logit Markov perfect Bayesian equilibrium: on a belief grid with a certificate, or exactly on all public histories."""

from standoff.solve.branches import Branches, branches
from standoff.solve.certificate import Certificate
from standoff.solve.certification import certify
from standoff.solve.equilibrium import Equilibrium, Probe
from standoff.solve.exact import Exact, exact
from standoff.solve.induction import Progress
from standoff.solve.solver import solve

__all__ = ["Branches", "Certificate", "Equilibrium", "Exact", "Probe", "Progress", "branches", "certify", "exact", "solve"]
