"""The version of the package."""

__version__ = "0.1.0"


def source_digest() -> str:
    """Return a hash of the package's code, so that results of other code are never taken for results of this one."""
    # Most commands never need it, and these two take longer to load than `standoff --help` takes otherwise.
    import hashlib
    from pathlib import Path

    here = Path(__file__).resolve().parent
    digest = hashlib.sha256()
    for path in sorted(here.rglob("*.py")):
        digest.update(path.relative_to(here).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
