"""Expressions of a classic playbook, followed without running them: which places their values come from."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from repertory.runtime.simulation.reading.calls import method
from repertory.runtime.simulation.reading.places import Case
from repertory.runtime.simulation.reading.seen import (
    AppRuns,
    Many,
    Row,
    Seen,
    Table,
    Text,
    Value,
    element,
    entry,
    together,
)
from repertory.runtime.simulation.reading.wishes import OPERATORS, UNKNOWN, compare, fulfilling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repertory.runtime.simulation.reading.classic_paths import Datapaths

Names = dict[str, Seen]
GIVEN = ""  # under this name: the results that the function was called back with
_SAME = ("sorted", "list", "set", "reversed", "str", "tuple", "iter", "dict", "filter", "max", "min", "next")
_OPERATORS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.In: "in", ast.NotIn: "not in", ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<=",
}  # fmt: skip
_FLIPPED = {">": "<", ">=": "<=", "<": ">", "<=": ">="}


class Expressions:
    """Follows expressions; ``call`` follows functions of the module itself."""

    def __init__(self, paths: Datapaths, call: Callable[[str, ast.Call, Names], Seen]) -> None:
        self._paths = paths
        self._call = call
        self._cases = 0
        self._rules: dict[type[ast.expr], Callable[[Any, Names], Seen]] = {
            ast.Name: lambda node, names: names.get(node.id),
            ast.Constant: self._constant,
            ast.Call: self._called,
            ast.Subscript: self._subscript,
            ast.Compare: self._compared,
            ast.Dict: self._table,
            ast.List: self._listed,
            ast.Tuple: lambda node, names: Row(tuple(self.follow(one, names) for one in node.elts)),
            ast.ListComp: self._comprehended,
            ast.SetComp: self._comprehended,
            ast.GeneratorExp: self._comprehended,
            ast.DictComp: self._mapped,
            ast.BinOp: self._computed,
            ast.BoolOp: lambda node, names: together(tuple(self.follow(one, names) for one in node.values)),
            ast.IfExp: self._chosen,
            ast.NamedExpr: self._named,
        }

    def follow(self, node: ast.expr | None, names: Names) -> Seen:
        """Where the value comes from, or None; ``names`` are the variables."""
        if node is None:
            return None
        rule = self._rules.get(type(node))
        if rule:
            return rule(node, names)
        for inner in ast.iter_child_nodes(node):
            if isinstance(inner, ast.expr):
                self.follow(inner, names)
        return None

    def bind(self, target: ast.expr, seen: Seen, names: Names) -> None:
        """Give a value to a variable, or to several."""
        if isinstance(target, ast.Name):
            names[target.id] = seen
        elif isinstance(target, (ast.Tuple, ast.List)):
            for place in seen.item.places if isinstance(seen, Many) and isinstance(seen.item, Value) else ():
                place.words = max(place.words, len(target.elts))  # as in: name, size = line.split()
            for number, one in enumerate(target.elts):
                self.bind(one, seen.items[number] if isinstance(seen, Row) and number < len(seen.items) else element(seen), names)

    # -------------------------------------------------------------- leaves

    def _constant(self, node: ast.Constant, names: Names) -> Seen:
        given = names.get(GIVEN)
        at_hand = given.actions if isinstance(given, AppRuns) else ()
        text = node.value if isinstance(node.value, str) else ""
        return self._paths.read(text, at_hand) if ":" in text or text.startswith("action_result") else None

    def _subscript(self, node: ast.Subscript, names: Names) -> Seen:
        seen = self.follow(node.value, names)
        if isinstance(node.slice, ast.Slice):
            return seen
        key, sought = literal(node.slice), self.follow(node.slice, names)
        if isinstance(seen, Table) and isinstance(sought, Value):
            for place in sought.places if "number" not in {kind for one in sought.places for kind in one.kinds} else ():
                place.want(seen.keys)
            return None
        return entry(seen, key if isinstance(key, (str, int)) else None)

    def _listed(self, node: ast.List, names: Names) -> Seen:
        """A list; or, as ``[left, "==", right]``, a condition."""
        values = tuple(self.follow(one, names) for one in node.elts)
        if len(values) == 3 and (operator := literal(node.elts[1])) in OPERATORS:
            literals = _plain(node.elts[0], values[0]), _plain(node.elts[2], values[2])
            compare(values[0], str(operator), values[2], literals=literals)
            return None
        return Many(values[0]) if len(values) == 1 else Row(values) if values else None

    def _table(self, node: ast.Dict, names: Names) -> Seen:
        for one in node.values:
            self.follow(one, names)
        keys = [literal(one) for one in node.keys if one is not None]
        return Table(tuple(key for key in keys if isinstance(key, (str, int))))

    # ---------------------------------------------------------- composition

    def _compared(self, node: ast.Compare, names: Names) -> Seen:
        sides = [node.left, *node.comparators]
        values = [self.follow(one, names) for one in sides]
        for number, kind in enumerate(node.ops):
            operator = _OPERATORS.get(type(kind), "")
            left, right = values[number : number + 2]
            if operator and not isinstance(left, Value) and operator in _FLIPPED:
                left, right, operator = right, left, _FLIPPED[operator]
                literals = (UNKNOWN, literal(sides[number]))
            else:
                literals = (literal(sides[number]), literal(sides[number + 1]))
            if operator:
                compare(left, operator, right, literals=literals)
        return None

    def _comprehended(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, names: Names) -> Seen:
        inner = self._within(node.generators, names)
        return Many(self.follow(node.elt, inner))

    def _mapped(self, node: ast.DictComp, names: Names) -> Seen:
        inner = self._within(node.generators, names)
        self.follow(node.key, inner)
        self.follow(node.value, inner)
        return None

    def _within(self, generators: Sequence[ast.comprehension], names: Names) -> Names:
        inner = dict(names)
        for one in generators:
            self.bind(one.target, element(self.follow(one.iter, inner)), inner)
            for condition in one.ifs:
                self.follow(condition, inner)
        return inner

    def _computed(self, node: ast.BinOp, names: Names) -> Seen:
        left, right = self.follow(node.left, names), self.follow(node.right, names)
        sides = (node.left, node.right)
        is_text = any(isinstance(literal(one), str) or isinstance(one, ast.JoinedStr) for one in sides)
        is_sum = isinstance(left, Value) and isinstance(right, Value)
        is_sum = is_sum or any(isinstance(literal(one), (int, float)) for one in sides)
        is_number = isinstance(node.op, (ast.Div, ast.Mult, ast.Sub)) or (isinstance(node.op, ast.Add) and is_sum)
        for seen in (left, right):
            for place in seen.places if isinstance(seen, Value) and not is_text and is_number else ():
                place.kinds.add("number")
        return left if left is not None else right

    def _chosen(self, node: ast.IfExp, names: Names) -> Seen:
        self.follow(node.test, names)
        return together((self.follow(node.body, names), self.follow(node.orelse, names)))

    def _named(self, node: ast.NamedExpr, names: Names) -> Seen:
        seen = self.follow(node.value, names)
        self.bind(node.target, seen, names)
        return seen

    # ---------------------------------------------------------------- calls

    def _called(self, node: ast.Call, names: Names) -> Seen:
        function = node.func
        if isinstance(function, ast.Name):
            return self._called_by_name(function.id, node, names)
        if not isinstance(function, ast.Attribute):
            self._arguments(node, names)
            return None
        if isinstance(function.value, ast.Name) and function.value.id == "phantom":
            return self._of_phantom(function.attr, node, names)
        if isinstance(function.value, ast.Name) and function.value.id == "json":
            return self._json(function.attr, self._arguments(node, names))
        seen = self.follow(function.value, names)
        given = self._arguments(node, names)
        return method(seen, function.attr, [literal(one) for one in node.args], given)

    def _arguments(self, node: ast.Call, names: Names) -> list[Seen]:
        first: Seen = None
        found = []
        for one in sorted(node.args, key=lambda one: isinstance(one, ast.Lambda)):
            if isinstance(one, ast.Lambda):
                inner = {**names, **{argument.arg: element(first) for argument in one.args.args[:1]}}
                self.follow(one.body, inner)
            else:
                found.append(self.follow(one, names))
                first = first or found[-1]
        for keyword in node.keywords:
            if isinstance(keyword.value, ast.Lambda):
                inner = {**names, **{argument.arg: element(first) for argument in keyword.value.args.args[:1]}}
                self.follow(keyword.value.body, inner)
            else:
                self.follow(keyword.value, names)
        return found

    def _called_by_name(self, name: str, node: ast.Call, names: Names) -> Seen:
        given = self._arguments(node, names)
        first = given[0] if given else None
        if name == "enumerate":
            return Many(Row((None, element(first))))
        if name == "zip":
            return Many(Row(tuple(element(one) for one in given)))
        if name in ("int", "float", "sum", "round"):
            return method(first, "__int__", [], [])
        if name in ("next", "max", "min"):
            return element(first) if len(given) == 1 or name == "next" else first
        return first if name in _SAME else self._call(name, node, names)

    def _collected(self, node: ast.Call, names: Names) -> Seen:
        self._arguments(node, names)
        wanted = argument(node, 1, "datapath")
        paths = wanted.elts if isinstance(wanted, (ast.List, ast.Tuple)) else []
        return Many(Row(tuple(self.follow(one, self._with_results(node, names)) for one in paths)))

    def _with_results(self, node: ast.Call, names: Names) -> Names:
        given = self.follow(argument(node, 2, "action_results"), names)
        return {**names, GIVEN: given} if isinstance(given, AppRuns) else names

    def _collected_one(self, node: ast.Call, names: Names) -> Seen:
        given = self.follow(argument(node, 0, "container"), names)
        inner = {**names, GIVEN: given} if isinstance(given, AppRuns) else names
        return Many(self.follow(argument(node, 1, "datapath"), inner))

    def _of_phantom(self, function: str, node: ast.Call, names: Names) -> Seen:
        rules = {
            "collect2": self._collected, "collect": self._collected_one, "save_run_data": self._saved, "get_run_data": self._kept,
        }  # fmt: skip
        if function in rules:
            return rules[function](node, names)
        given = self._arguments(node, names)
        first = given[0] if given else None
        if function in ("condition", "decision"):
            self._case(node, names)
        if function == "get_raw_data":
            return Text(entry(names.get("container"), "data"))
        if function == "parse_success" and isinstance(first, AppRuns):
            return Many(Value(tuple(place.at(("data", "[]")) for place in first.actions)))
        if function == "get_successful_action_results_v2" and isinstance(first, AppRuns):
            return Many(Value(first.actions))
        if function in ("get_list", "datastore_get") and isinstance(name := literal(argument(node, 0, "list_name")), str):
            cells = Many(Many(self._paths.read(f"custom_list:{name}", ())))
            return Row((None, None, cells)) if function == "get_list" else cells
        return None

    def _case(self, node: ast.Call, names: Names) -> None:
        """Conditions that are to hold together, or each by itself."""
        listed = argument(node, 2, "conditions")
        inner = self._with_results(node, names)
        parts = []
        for one in listed.elts if isinstance(listed, ast.List) else ():
            if isinstance(one, ast.List) and len(one.elts) == 3:
                left, operator, right = one.elts
                sides = self.follow(left, inner), self.follow(right, inner)
                literals = _plain(left, sides[0]), _plain(right, sides[1])
                parts.append(fulfilling(sides[0], str(literal(operator)), sides[1], literals=literals))
        is_or = str(literal(argument(node, 99, "logical_operator"))).lower() == "or"
        for holds in parts if is_or else [[pair for part in parts for pair in part]]:
            self._cases += 1
            case = Case(self._cases, holds)
            for place, _ in holds:
                place.cases.append(case)

    def _saved(self, node: ast.Call, names: Names) -> Seen:
        self._arguments(node, names)
        key = literal(argument(node, 0, "key"))
        seen = self.follow(argument(node, 1, "value"), names)
        if isinstance(key, str):
            self._paths.kept[key] = seen.of if isinstance(seen, Text) else seen
        return None

    def _kept(self, node: ast.Call, names: Names) -> Seen:
        key = literal(argument(node, 0, "key"))
        return Text(self._paths.kept.get(key)) if isinstance(key, str) else None

    def _json(self, function: str, given: list[Seen]) -> Seen:
        first = given[0] if given else None
        if function == "dumps":
            return Text(first)
        if isinstance(first, Text):
            return first.of
        for place in first.places if isinstance(first, Value) and function == "loads" else ():
            place.is_json = True
        return first


def argument(node: ast.Call, position: int, name: str) -> ast.expr | None:
    """What is given for a parameter."""
    named = next((one.value for one in node.keywords if one.arg == name), None)
    return named or (node.args[position] if position < len(node.args) else None)


def literal(node: ast.expr | None) -> Any:
    """The value of a literal, else UNKNOWN."""
    try:
        return ast.literal_eval(node) if node is not None else UNKNOWN
    except (ValueError, TypeError):
        return UNKNOWN


def _plain(node: ast.expr, seen: Seen) -> Any:
    """A literal that is no datapath."""
    return UNKNOWN if seen is not None else literal(node)
