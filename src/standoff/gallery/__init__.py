"""Published games with known answers: each is a scenario file that is solved anew, and what is known stands beside what comes out."""

from standoff.gallery.choices import Choice
from standoff.gallery.crisis_signalling import CrisisSignalling, equilibria
from standoff.gallery.exhibition import Exhibit, Gallery, gallery
from standoff.gallery.figures import FIGURES, LIMIT_PRECISION, Figure
from standoff.gallery.measure import Line

__all__ = ["FIGURES", "LIMIT_PRECISION", "Choice", "CrisisSignalling", "Exhibit", "Figure", "Gallery", "Line", "equilibria", "gallery"]
