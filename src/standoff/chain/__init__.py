"""Games that open with the beliefs which the record of another scenario left."""

from standoff.chain.opening import Games, build, fix_grids

__all__ = ["Games", "build", "fix_grids"]
