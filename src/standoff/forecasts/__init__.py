"""Forecasts: resolved by the record and scored, those of the authors, of the model before the fact, and of a base rate."""

from standoff.forecasts.resolution import Resolution, resolve
from standoff.forecasts.rules import brier, log_score
from standoff.forecasts.score import Row, Scored, Scores, Summary, score

__all__ = ["Resolution", "Row", "Scored", "Scores", "Summary", "brier", "log_score", "resolve", "score"]
