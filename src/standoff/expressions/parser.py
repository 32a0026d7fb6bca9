"""Read the text of an expression into its syntax tree."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, cast

from standoff.errors import ExpressionError
from standoff.expressions.syntax import (
    Call,
    Chain,
    Comparison,
    Conditional,
    Literal,
    Logic,
    Membership,
    Node,
    Operation,
    Word,
    depth,
)
from standoff.text import DIGITS, foreign_digit

if TYPE_CHECKING:
    from lark import Lark, Token

MAX_LENGTH = 2000
MAX_NESTING = 50

_REMEDIES = {
    "=": "write == to compare",
    "'": "write labels bare, without quotes",
    '"': "write labels bare, without quotes",
    ".": "names have no attributes; write a plain name",
    "&": "write and",
    "|": "write or",
    "!": "write not, or != to compare",
    "^": "write ** for powers",
    "%": "write a share as a number, such as 0.05",
}
_PYTHON_WORDS = frozenset(["lambda", "def", "import", "from", "for", "while", "class", "return", "yield", "None", "is", "as", "with", "exec", "eval"])


@lru_cache(maxsize=4096)
def parse(text: str) -> Node:
    """Read an expression into its syntax tree. Raises ExpressionError, with the column, for text outside the grammar."""
    _check_text(text)
    from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedToken

    try:
        root = cast(Node, _parser().parse(text))
    except UnexpectedCharacters as error:
        column = (error.pos_in_stream or 0) + 1
        found = text[column - 1 : column]
        raise ExpressionError(
            "this character has no place in an expression",
            text=text,
            column=column,
            found=found,
            suggestion=_REMEDIES.get(found),
        ) from None
    except (UnexpectedToken, UnexpectedEOF) as error:
        raise _unexpected(text, getattr(error, "token", None)) from None
    if depth(root) > MAX_NESTING:
        raise ExpressionError(
            "the expression is nested too deeply", text=text, allowed=f"{MAX_NESTING} levels", suggestion="name parts of it under derived"
        )
    return root


def _check_text(text: str) -> None:
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            "the expression is too long",
            text=text,
            found=f"{len(text)} characters",
            allowed=f"{MAX_LENGTH} characters",
            suggestion="name parts of it under derived",
        )
    if not text.strip():
        raise ExpressionError("the expression is empty", text=text, column=1)
    foreign = foreign_digit(text)
    if foreign is not None:
        raise ExpressionError("this digit is not read as a number", text=text, column=text.index(foreign) + 1, found=foreign, suggestion=DIGITS)
    if "__" in text:
        raise ExpressionError(
            "names with two underscores in a row are not allowed",
            text=text,
            column=text.index("__") + 1,
            suggestion="use only names that the scenario declares",
        )


def _unexpected(text: str, token: Token | None) -> ExpressionError:
    if token is None or token.type == "$END":
        return ExpressionError("the expression ends too early", text=text, column=len(text) + 1)
    remedy = None
    before = text[: token.start_pos].split()
    words = {str(token), before[-1] if before else ""}
    if words & _PYTHON_WORDS:
        remedy = "expressions are not Python; see docs/language.md for what they may hold"
    elif token.type == "COMPARE":
        remedy = "compare two values at a time and join with and"
    elif token.type == "LSQB":
        remedy = "lists may stand only after in"
    return ExpressionError("this has no place here", text=text, column=(token.start_pos or 0) + 1, found=f"`{token}`", suggestion=remedy)


@lru_cache(maxsize=1)
def _parser() -> Lark:
    # Lark is imported at the first use, which keeps the import of standoff quick.
    from lark import Lark

    from standoff.expressions.grammar import GRAMMAR

    # The tree is made while parsing, so that deep nesting costs no recursion.
    return Lark(GRAMMAR, parser="lalr", lexer="basic", transformer=_Actions())


def _column(token: Any) -> int:
    return int(token.start_pos) + 1


def _inline(action: Callable[..., Any]) -> Callable[..., Any]:
    """Let an action take the parts of its rule one by one."""

    @wraps(action)
    def taking_list(self: _Actions, parts: list[Any]) -> Any:
        return action(self, *parts)

    return taking_list


class _Actions:
    """What each rule of the grammar makes; Lark hands the parts of a rule over as one list."""

    @_inline
    def number(self, token: Any) -> Node:
        return Literal(float(token), _column(token))

    @_inline
    def boolean(self, token: Any) -> Node:
        return Literal(str(token) == "true", _column(token))

    @_inline
    def word(self, token: Any) -> Node:
        return Word(str(token), _column(token))

    @_inline
    def call(self, token: Any, *args: Node) -> Node:
        return Call(str(token), args, _column(token))

    @_inline
    def infix(self, left: Node, token: Any, right: Node) -> Node:
        return Operation(str(token), (left, right), left.column)

    @_inline
    def prefix(self, token: Any, operand: Node) -> Node:
        if str(token) == "+":
            return operand
        return Operation(str(token), (operand,), _column(token))

    @_inline
    def chain(self, first: Node, *rest: Any) -> Node:
        pairs = zip(rest[::2], rest[1::2], strict=True)
        return Chain(first, tuple((str(op), part) for op, part in pairs), first.column)

    @_inline
    def list(self, *items: Node) -> tuple[Node, ...]:
        return items

    @_inline
    def member(self, item: Node, among: tuple[Node, ...]) -> Node:
        return Membership(item, among, False, item.column)

    @_inline
    def not_member(self, item: Node, _: Any, among: tuple[Node, ...]) -> Node:
        return Membership(item, among, True, item.column)

    @_inline
    def compare(self, left: Node, op: Any, right: Node) -> Node:
        return Comparison(str(op), left, right, left.column)

    @_inline
    def all_of(self, *parts: Node) -> Node:
        return Logic("and", parts, parts[0].column)

    @_inline
    def any_of(self, *parts: Node) -> Node:
        return Logic("or", parts, parts[0].column)

    @_inline
    def conditional(self, yes: Node, condition: Node, no: Node) -> Node:
        return Conditional(condition, yes, no, yes.column)
