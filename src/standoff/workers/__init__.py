"""Worker processes: where they are started, and what they may import."""

from standoff.workers.paths import importable
from standoff.workers.pool import parallel
from standoff.workers.process import in_worker

__all__ = ["importable", "in_worker", "parallel"]
