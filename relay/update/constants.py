"""Which names in the firmware are constants, and what they come to. Pure.

A constant is, by its name (upper case), what is bound once, to a number, a text or None: at the top
of a module, or in a class that holds nothing but such names.
"""

import ast
import contextlib
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Scalar = int | float | str | bytes | None

_CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*\Z")
_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
}


@dataclass
class Module:
    """A module on its way: its tree, what its names mean, and its own constants by path."""

    name: str
    tree: ast.Module
    imports: dict[str, str] = field(default_factory=dict)  # name here -> dotted path
    constants: dict[str, Scalar] = field(default_factory=dict)  # "IDLE", "State.IDLE" -> value


def read_imports(module: Module) -> None:
    """Note what each imported name means; one that is bound in another way as well means itself."""
    bound = _bindings(module.tree)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                name = alias.asname or alias.name
                path = f"{node.module}.{alias.name}"
                if not bound[name] and module.imports.get(name, path) == path:
                    module.imports[name] = path


def _bindings(tree: ast.AST) -> Counter[str]:
    """Count how often each name is bound, other than by an import."""
    count: Counter[str] = Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            count[node.id] += 1
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            count[node.name] += 1
        elif isinstance(node, ast.arg):
            count[node.arg] += 1
        elif isinstance(node, ast.ExceptHandler) and node.name:
            count[node.name] += 1
    return count


def _assignments(body: list[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    """Yield the statements `NAME = ...` of a body."""
    for node in body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            if isinstance(target, ast.Name) and _CONSTANT.match(target.id):
                yield target.id, node.value


def _constant_classes(tree: ast.Module) -> Iterator[ast.ClassDef]:
    """Yield the classes that hold nothing but constants and a docstring."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.bases and not node.decorator_list:
            names = [name for name, _ in _assignments(node.body)]
            rest = len(node.body) - len(names)
            if len(set(names)) == len(names) and rest == (ast.get_docstring(node) is not None):
                yield node


def find_constants(module: Module, modules: dict[str, Module]) -> int:
    """Add the constants whose value can be told now; return how many are new."""
    bound = _bindings(module.tree)
    known = len(module.constants)
    for name, value in _assignments(module.tree.body):
        if bound[name] == 1 and name not in module.constants:
            _evaluate(name, value, module, modules)
    for node in _constant_classes(module.tree):
        if bound[node.name] == 1:
            for name, value in _assignments(node.body):
                _evaluate(f"{node.name}.{name}", value, module, modules)
    return len(module.constants) - known


def _evaluate(path: str, value: ast.expr, module: Module, modules: dict[str, Module]) -> None:
    with contextlib.suppress(ValueError):
        module.constants[path] = _value(value, module, modules)


def _value(node: ast.expr, module: Module, modules: dict[str, Module]) -> Scalar:
    """Return what an expression of constants comes to; ValueError if it is something else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str | bytes | None):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _value(node.operand, module, modules)
        if isinstance(value, int | float):
            return -value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = (_value(side, module, modules) for side in (node.left, node.right))
        if type(left) is int and type(right) is int:
            return _OPERATORS[type(node.op)](left, right)
    if isinstance(node, ast.Name | ast.Attribute):
        return look_up(node, module, modules)
    raise ValueError("not a constant")


def look_up(node: ast.expr, module: Module, modules: dict[str, Module]) -> Scalar:
    """Return the constant that a name or an attribute stands for; ValueError if it is none."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise ValueError("not a name")
    if node.id in module.imports:
        return _at(f"{module.imports[node.id]}.{'.'.join(parts)}".rstrip("."), modules)
    return _at(".".join([module.name, node.id, *parts]), modules)


def _at(path: str, modules: dict[str, Module], depth: int = 0) -> Scalar:
    """Return the constant at a dotted path, also one that a module has imported itself."""
    parts = path.split(".")
    for count in range(len(parts) - 1, 0, -1):
        module = modules.get(".".join(parts[:count]))
        if module is None:
            continue
        inner = ".".join(parts[count:])
        if inner in module.constants:
            return module.constants[inner]
        first, _, rest = inner.partition(".")
        if first in module.imports and depth < len(modules):
            return _at(f"{module.imports[first]}.{rest}".rstrip("."), modules, depth + 1)
        break
    raise ValueError("not a constant")
