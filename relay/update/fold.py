"""Write the firmware's constants in where they are used, before it is compiled for a toy.

A toy keeps bytecode, names and dictionaries in its heap. Source for people has `State.IDLE` and
`PCM_FRAME_BYTES`; each costs the toy a name, a dictionary entry, an import and a look-up every
time. MicroPython's `const()` does away with some of that within one file; this does it across
files. Pure: texts in, texts out.

Folded is what is a constant by its name (upper case), bound once, to a number, a text or None: at
the top of a module, or in a class that holds nothing but such names. What nobody mentions any more
is left out. Everything else stays as it is; line numbers do not.
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
class _Module:
    """A module on its way: its tree, what its names mean, and its own constants by path."""

    name: str
    tree: ast.Module
    imports: dict[str, str] = field(default_factory=dict)  # name here -> dotted path
    constants: dict[str, Scalar] = field(default_factory=dict)  # "IDLE", "State.IDLE" -> value


def fold(sources: dict[str, str]) -> dict[str, str]:
    """Return the modules `sources` (dotted name to text) with constants folded.

    SyntaxError names the module that is no Python.
    """
    modules = {}
    for name, text in sources.items():
        modules[name] = _Module(name, ast.parse(text, filename=name))
    for module in modules.values():
        _read_imports(module)
    while sum(_find_constants(module, modules) for module in modules.values()):
        pass  # a constant may be reckoned from another module's
    for module in modules.values():
        _Folder(module, modules).visit(module.tree)
    while _drop_unused(modules):
        pass  # what is left out may have been the last to mention something else
    return {name: _text(module.tree) for name, module in modules.items()}


def _text(tree: ast.Module) -> str:
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def _read_imports(module: _Module) -> None:
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


def _find_constants(module: _Module, modules: dict[str, _Module]) -> int:
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


def _evaluate(path: str, value: ast.expr, module: _Module, modules: dict[str, _Module]) -> None:
    with contextlib.suppress(ValueError):
        module.constants[path] = _value(value, module, modules)


def _value(node: ast.expr, module: _Module, modules: dict[str, _Module]) -> Scalar:
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
        return _look_up(node, module, modules)
    raise ValueError("not a constant")


def _look_up(node: ast.expr, module: _Module, modules: dict[str, _Module]) -> Scalar:
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


def _at(path: str, modules: dict[str, _Module], depth: int = 0) -> Scalar:
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


class _Folder(ast.NodeTransformer):
    def __init__(self, module: _Module, modules: dict[str, _Module]) -> None:
        self._module = module
        self._modules = modules

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._fold(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        folded = self._fold(node)
        if folded is node:
            self.generic_visit(node)
        return folded

    def _fold(self, node: ast.Name | ast.Attribute) -> ast.expr:
        if not isinstance(node.ctx, ast.Load):
            return node
        try:
            value = _look_up(node, self._module, self._modules)
        except ValueError:
            return node
        if isinstance(value, int | float) and value < 0:
            return ast.UnaryOp(ast.USub(), ast.Constant(-value))
        return ast.Constant(value)


@dataclass
class _Uses:
    """What is still mentioned, by dotted path; `whole`: not only for an attribute of it."""

    names: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)


def _read_uses(modules: dict[str, _Module]) -> _Uses:
    uses = _Uses()
    for module in modules.values():
        inside = {
            id(node.value) for node in ast.walk(module.tree) if isinstance(node, ast.Attribute)
        }
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                paths = {f"{module.name}.{node.id}", module.imports.get(node.id, "")}
                uses.names |= paths
                if id(node) not in inside:
                    uses.whole |= paths
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if (alias.asname or alias.name) not in module.imports:  # bound twice: unclear
                        uses.whole.add(f"{node.module}.{alias.name}")
                    uses.names.add(f"{node.module}.{alias.name}")
    return uses


def _drop_unused(modules: dict[str, _Module]) -> int:
    """Leave out folded constants, empty classes and imports that nobody mentions; count them."""
    uses = _read_uses(modules)
    dropped = 0
    for module in modules.values():
        dropper = _Dropper(module, modules, uses)
        dropper.visit(module.tree)
        dropped += dropper.dropped
    return dropped


class _Dropper(ast.NodeTransformer):
    def __init__(self, module: _Module, modules: dict[str, _Module], uses: _Uses) -> None:
        self._module = module
        self._modules = modules
        self._uses = uses
        self.dropped = 0

    def visit_Module(self, node: ast.Module) -> ast.Module:
        self.generic_visit(node)  # imports, wherever they are
        node.body = [one for one in node.body if not self._is_unused(one, "")]
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt | None:
        kept = []
        for alias in node.names:
            here = f"{self._module.name}.{alias.asname or alias.name}"
            if here in self._uses.names or not self._is_folded(f"{node.module}.{alias.name}"):
                kept.append(alias)
        self.dropped += len(node.names) - len(kept)
        node.names = kept
        return node if kept else None

    def _is_unused(self, node: ast.stmt, inside: str) -> bool:
        """Tell whether a statement only binds what was folded and is not mentioned any more."""
        module = self._module
        unused = False
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = f"{inside}{node.targets[0].id}"
            used = f"{module.name}.{name}" in self._uses.names
            unused = name in module.constants and not used
        elif isinstance(node, ast.ClassDef) and not inside:
            unused = self._is_empty(node)
        self.dropped += unused
        return unused

    def _is_empty(self, node: ast.ClassDef) -> bool:
        """Empty a class of folded constants, if nobody needs it whole; tell whether it can go."""
        path = f"{self._module.name}.{node.name}"
        if path in self._uses.whole or not any(
            constant.startswith(f"{node.name}.") for constant in self._module.constants
        ):
            return False
        node.body = [one for one in node.body if not self._is_unused(one, f"{node.name}.")]
        return path not in self._uses.names and all(isinstance(one, ast.Expr) for one in node.body)

    def _is_folded(self, path: str) -> bool:
        """Tell whether a path was a constant, a class of constants, or a module of the firmware."""
        if path in self._modules:
            return True
        name, _, leaf = path.rpartition(".")
        module = self._modules.get(name)
        if module is None:
            return False
        if leaf in module.imports:
            return self._is_folded(module.imports[leaf])
        return any(one == leaf or one.startswith(f"{leaf}.") for one in module.constants)
