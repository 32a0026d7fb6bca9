"""Bind an expression to the names of a scope: resolve names, turn labels into codes, check kinds, work out constants."""

from __future__ import annotations

import math
from dataclasses import dataclass

from standoff.errors import ExpressionError
from standoff.expressions.bound import Bound, NotFinite, run
from standoff.expressions.calendar import CALENDAR_FUNCTIONS, by_period
from standoff.expressions.calendar import LOGICAL as CALENDAR_CONDITIONS
from standoff.expressions.kinds import Boolean, Kind, Number, Symbol
from standoff.expressions.operations import ARGUMENTS
from standoff.expressions.parser import parse
from standoff.expressions.scope import FUNCTIONS, Scope
from standoff.expressions.syntax import Call, Chain, Comparison, Conditional, Literal, Logic, Membership, Node, Operation, Word
from standoff.expressions.tree import PERIOD, Apply, ByPeriod, Constant, Fold, Lookup, Select, Tree, parts, walk
from standoff.names import closest, listed

NUMBER, BOOLEAN = Number(), Boolean()
Typed = tuple[Tree, Kind]


def bind(text: str | float | bool, scope: Scope, expected: Kind | None = None) -> Bound:
    """Bind an expression, given as text or as a plain value, to a scope.

    `expected` is the kind that the place asks for; labels are read in its domain. Raises ExpressionError, with the column, for anything
    that is not in the grammar, the scope or of the right kind.
    """
    text = _as_text(text)
    tree, kind = _Binder(text, scope).bind(parse(text), expected)
    lookups = [node for node in walk(tree) if isinstance(node, Lookup)]
    names = {lookup.key for lookup in lookups}
    if any(isinstance(node, ByPeriod) for node in walk(tree)):
        names.add(PERIOD)
    types = {key[len("type(") : -1] for key in names if key.startswith("type(")}
    constant = tree.value if isinstance(tree, Constant) else None
    return Bound(text, kind, tree, frozenset(names), frozenset(types), constant)


def _as_text(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        if not math.isfinite(value):
            raise ExpressionError("the number is not finite", text=str(value), found=str(value), allowed="a finite number")
        return repr(value)
    return value


@dataclass(frozen=True)
class _Binder:
    """The work on one expression."""

    text: str
    scope: Scope

    def bind(self, node: Node, expected: Kind | None) -> Typed:
        """Bind a node, reading labels in the expected domain, and check that its kind is as expected."""
        tree, kind = self._bind(node, expected)
        if expected is not None and kind != expected:
            raise self._wrong_kind(node, kind, expected)
        return self._folded(node, tree), kind

    def _bind(self, node: Node, expected: Kind | None) -> Typed:
        match node:
            case Literal():
                return self._literal(node)
            case Word():
                return self._word(node, expected)
            case Operation():
                return self._operation(node)
            case Chain():
                return Fold(self._number(node.first), tuple((op, self._number(part)) for op, part in node.rest)), NUMBER
            case Comparison():
                return self._comparison(node)
            case Membership():
                return self._membership(node)
            case Logic():
                return self._logic(node), BOOLEAN
            case Conditional():
                return self._conditional(node, expected)
            case Call():
                return self._call(node)

    def _number(self, node: Node) -> Tree:
        return self.bind(node, NUMBER)[0]

    def _condition(self, node: Node) -> Tree:
        return self.bind(node, BOOLEAN)[0]

    def _literal(self, node: Literal) -> Typed:
        if isinstance(node.value, bool):
            return Constant(node.value), BOOLEAN
        if not math.isfinite(node.value):
            raise self._error("the number is too large", node)
        return Constant(node.value), NUMBER

    def _word(self, node: Word, expected: Kind | None) -> Typed:
        name, scope = node.name, self.scope
        if name in scope.names:
            return Lookup(name, scope.names[name]), scope.names[name]
        if isinstance(expected, Symbol) and name in expected.domain:
            return Constant(expected.domain.index(name)), expected
        if name == "type":
            return self._own_type(node)
        if name == "time_is_up" and scope.time_is_up:
            return Lookup(name, BOOLEAN), BOOLEAN
        if name in ("period", "periods") and scope.moments is not None:
            return (Lookup(PERIOD, NUMBER) if name == "period" else Constant(float(scope.moments.n_periods))), NUMBER
        raise self._unknown(node, expected)

    def _own_type(self, node: Word) -> Typed:
        if reason := self.scope.barred.get("type"):
            raise self._error(reason, node, found="type")
        if self.scope.own is None:
            raise self._error("it is not said whose type is meant", node, found="type", suggestion="write type(player)")
        return self._type(self.scope.own, node)

    def _type(self, player: str, node: Node) -> Typed:
        if player not in self.scope.types:
            if reason := self.scope.barred.get(f"type({player})"):
                raise self._error(reason, node, found=f"type({player})")
            raise self._error("unknown player", node, found=player, allowed=listed(self.scope.types), suggestion=closest(player, self.scope.types))
        kind = Symbol(self.scope.types[player])
        return Lookup(f"type({player})", kind), kind

    def _operation(self, node: Operation) -> Typed:
        if node.op == "not":
            return Apply("not", (self._condition(node.args[0]),)), BOOLEAN
        return Apply("negative" if node.op == "-" else node.op, tuple(map(self._number, node.args))), NUMBER

    def _comparison(self, node: Comparison) -> Typed:
        kind = self._common_kind(node.left, node.right)
        if kind == BOOLEAN and node.op not in ("==", "!="):
            raise self._error("true and false have no order", node, found=node.op, allowed="==, !=")
        return Apply(node.op, (self.bind(node.left, kind)[0], self.bind(node.right, kind)[0])), BOOLEAN

    def _membership(self, node: Membership) -> Typed:
        kind = self._common_kind(node.item, *node.among)
        among = Apply("in", tuple(self.bind(part, kind)[0] for part in (node.item, *node.among)))
        return (Apply("not", (among,)) if node.negated else among), BOOLEAN

    def _logic(self, node: Logic) -> Tree:
        trees = [self._condition(part) for part in node.parts]
        # A later part is evaluated only where the earlier ones leave the question open; halving keeps the tree shallow.
        return self._joined(node, trees)

    def _joined(self, node: Logic, trees: list[Tree]) -> Tree:
        if len(trees) == 1:
            return trees[0]
        middle = len(trees) // 2
        first, second = self._joined(node, trees[:middle]), self._joined(node, trees[middle:])
        both = Select(first, second, Constant(False)) if node.op == "and" else Select(first, Constant(True), second)
        return self._folded(node, both)

    def _conditional(self, node: Conditional, expected: Kind | None) -> Typed:
        condition = self._condition(node.condition)
        kind = expected if expected is not None else self._common_kind(node.yes, node.no)
        return Select(condition, self.bind(node.yes, kind)[0], self.bind(node.no, kind)[0]), kind

    def _common_kind(self, *nodes: Node) -> Kind:
        """Find the kind that several nodes share; labels alone have none."""
        for node in nodes:
            if (kind := self._inferred(node)) is not None:
                return kind
        word = next((node for node in nodes if isinstance(node, Word)), nodes[0])
        if isinstance(word, Word):
            raise self._unknown(word, None)
        raise self._error("it cannot be told which variable's values are meant", word)

    def _inferred(self, node: Node) -> Kind | None:
        """Tell the kind of a node without binding it; None for a label, whose domain others decide."""
        match node:
            case Literal():
                return BOOLEAN if isinstance(node.value, bool) else NUMBER
            case Word():
                if node.name in self.scope.names:
                    return self.scope.names[node.name]
                return self._bind(node, None)[1] if node.name in ("type", "time_is_up", "period", "periods") else None
            case Operation():
                return BOOLEAN if node.op == "not" else NUMBER
            case Chain():
                return NUMBER
            case Conditional():
                return self._inferred(node.yes) or self._inferred(node.no)
            case Call(function="type"):
                return self._call(node)[1]
            case Call():
                return BOOLEAN if node.function in CALENDAR_CONDITIONS else NUMBER
            case _:
                return BOOLEAN

    def _call(self, node: Call) -> Typed:
        if node.function == "type":
            return self._type(self._sole_word(node, "a player").name, node)
        if node.function in CALENDAR_FUNCTIONS:
            return self._calendar(node)
        if node.function not in ARGUMENTS:
            raise self._error(
                "unknown function",
                node,
                found=node.function,
                allowed=listed(sorted(FUNCTIONS)),
                suggestion=closest(node.function, FUNCTIONS),
            )
        least, most = ARGUMENTS[node.function]
        if len(node.args) < least or (most is not None and len(node.args) > most):
            allowed = f"{least}" if most == least else f"{least} or more"
            raise self._error(f"wrong number of arguments of {node.function}", node, found=str(len(node.args)), allowed=allowed)
        return Apply(node.function, tuple(map(self._number, node.args))), NUMBER

    def _calendar(self, node: Call) -> Typed:
        moments = self.scope.moments
        if moments is None:
            raise self._error(self.scope.barred.get("period", "the calendar may not be used here"), node, found=node.function)
        word = self._sole_word(node, "a name of the calendar")
        if word.name not in moments.dates:
            raise self._error(
                "unknown name of the calendar",
                word,
                found=word.name,
                allowed=listed(moments.dates),
                suggestion=closest(word.name, moments.dates),
            )
        try:
            table = by_period(node.function, moments.dates[word.name], moments)
        except ValueError as error:
            raise self._error(str(error), node, found=f"{node.function}({word.name})") from None
        return table, BOOLEAN if node.function in CALENDAR_CONDITIONS else NUMBER

    def _sole_word(self, node: Call, what: str) -> Word:
        if len(node.args) == 1 and isinstance(node.args[0], Word):
            return node.args[0]
        raise self._error(f"{node.function} takes {what}", node, allowed=f"{node.function}(name)")

    def _folded(self, node: Node, tree: Tree) -> Tree:
        """Work a tree out if it needs nothing, so that constant division by zero is found now."""
        pieces = parts(tree)
        if not pieces or not all(isinstance(piece, Constant) for piece in pieces):
            return tree
        try:
            return Constant(run(tree, {}))
        except NotFinite:
            raise self._error(
                "the result is not a finite number (division by zero, a root or logarithm of a negative number, or overflow)", node
            ) from None

    def _unknown(self, node: Word, expected: Kind | None) -> ExpressionError:
        name, scope = node.name, self.scope
        if name in scope.barred:
            return self._error(scope.barred[name], node, found=name)
        if name == "time_is_up":
            return self._error("time_is_up may be used in the conditions of ends only", node, found=name)
        if name in ("period", "periods"):
            return self._error("the calendar may not be used here", node, found=name)
        domain = expected.domain if isinstance(expected, Symbol) else ()
        known = [*domain, *scope.names, *(("period", "periods") if scope.moments else ()), "true", "false"]
        return self._error(
            "unknown name" if not domain else "unknown name or label",
            node,
            found=name,
            allowed=listed(domain) if domain else None,
            suggestion=closest(name, known) or closest(name, scope.barred),
        )

    def _wrong_kind(self, node: Node, kind: Kind, expected: Kind) -> ExpressionError:
        remedy = None
        if expected == NUMBER and kind == BOOLEAN:
            remedy = "write `1 if .. else 0` to count a condition"
        elif expected == BOOLEAN:
            remedy = "compare it with a value"
        return self._error("wrong kind of value", node, found=str(kind), allowed=str(expected), suggestion=remedy)

    def _error(
        self, problem: str, node: Node, *, found: str | None = None, allowed: str | None = None, suggestion: str | None = None
    ) -> ExpressionError:
        return ExpressionError(problem, text=self.text, column=node.column, found=found, allowed=allowed, suggestion=suggestion)
