"""What is wrong with a command as it was typed, in plain words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from typer.exceptions import TyperException

from standoff.text import DIGITS, foreign_digit

_WORDS = (
    (r"Input should be ", "must be "),
    (r", unable to parse string as an? \w+", ""),
    (r"greater than or equal to ", "at least "),
    (r"less than or equal to ", "at most "),
    (r"a valid ", "a "),
    (r"an? integer", "a whole number"),
    (r"\b0\.0{4,}\d+", lambda found: f"{float(found[0]):g}"),
)


def usage_problem(error: TyperException, arguments: Sequence[str]) -> str:
    """Return what is wrong, with the value found, and where help is; empty when there is nothing to say."""
    message = error.format_message()
    if not message:
        return ""
    option = re.match(r"Invalid value for '(--[\w-]+)'[^:]*: (.*)", message, re.DOTALL)
    if option is not None:
        found = _typed(option[1], arguments)
        message = f"{option[1]}{found}: {'must be a number' if found == ' nan' else option[2]}"
    for pattern, words in _WORDS:
        message = re.sub(pattern, words, message)
    context = getattr(error, "ctx", None)
    # Before its options are read, a command has no context; then what was typed tells.
    command = context.command_path if context is not None else " ".join(["standoff", *[word for word in arguments[:1] if not word.startswith("-")]])
    message = message.rstrip(". ")
    return f"{message}{'' if message.endswith('?') else '.'} See {command} --help"


def foreign_number(arguments: Sequence[str]) -> str:
    r"""Return what is wrong where an option is given a number in digits other than 0 to 9, which Python would take; empty when none is.

    >>> foreign_number(["run", "dare.yaml", "--worlds", chr(0x663)])[:10]
    '--worlds ٣'
    """
    for before, word in zip(["", *arguments], arguments, strict=False):
        option, _, value = word.partition("=") if word.startswith("--") else (before, "", word)
        for part in re.split(r"[=;:,\s]+", value) if option.startswith("-") else ():
            if foreign_digit(part) is not None and _is_number(part):
                return f"{option} {value}: {part} is not read as a number; {DIGITS}"
    return ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _typed(option: str, arguments: Sequence[str]) -> str:
    """Return the value that an option was given, with a space before it; empty when it cannot be told."""
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if word == option and following:
            return f" {following}"
        if word.startswith(f"{option}="):
            return f" {word.partition('=')[2]}"
    return ""
