"""Give arguments and private attributes short names, before the firmware is compiled for a toy.

MicroPython keeps every name that an object or a call may be asked for, with 7 bytes of book-keeping
in tables that double when they are full. What nobody outside can ask for by name need not have one
of its own: an argument that no call names, and an attribute or method `self._name` of one class.
They share a few short names. Functions and everything public keep theirs, so that a crash report
can be read. Pure: texts in, texts out.
"""

import ast
from collections.abc import Iterator

_LETTERS = "abcdefghijklmnopqrstuvwxyz"

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def shorten(sources: dict[str, str]) -> dict[str, str]:
    """Return the modules `sources` (dotted name to text) with shorter names."""
    trees = {name: ast.parse(text) for name, text in sources.items()}
    named = {
        node.arg
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg
    }
    private = _private_attributes(list(trees.values()))
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                _shorten_attributes(node, private)
        _Arguments(named).visit(tree)
    return {name: ast.unparse(tree) + "\n" for name, tree in trees.items()}


def short_name(number: int) -> str:
    """Return the short name of that number: _a to _z, then _aa to _zz."""
    first, second = divmod(number, len(_LETTERS))
    return "_" + (_LETTERS[first - 1] if first else "") + _LETTERS[second]


def _own_attributes(node: ast.ClassDef) -> Iterator[ast.Attribute]:
    """Yield each `self._name` inside a class."""
    for inner in ast.walk(node):
        if (
            isinstance(inner, ast.Attribute)
            and inner.attr.startswith("_")
            and isinstance(inner.value, ast.Name)
            and inner.value.id == "self"
        ):
            yield inner


def _own_methods(node: ast.ClassDef) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return the private methods of a class."""
    return [
        one
        for one in node.body
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
        and one.name.startswith("_")
        and not one.name.startswith("__")
    ]


def _private_attributes(trees: list[ast.Module]) -> set[str]:
    """Return the names of attributes and methods that are only ever mentioned as `self._name`.

    None of a class with a base, which may share them.
    """
    candidates: set[str] = set()
    others: set[str] = set()
    for tree in trees:
        own: set[int] = set()  # the nodes that are a class's own
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.bases:
                for method in _own_methods(node):
                    own.add(id(method))
                    candidates.add(method.name)
                for attribute in _own_attributes(node):
                    own.add(id(attribute))
                    if isinstance(attribute.ctx, ast.Store):
                        candidates.add(attribute.attr)
        for node in ast.walk(tree):
            if id(node) in own:
                continue
            if isinstance(node, ast.Attribute):
                others.add(node.attr)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                others.add(node.name)
            elif isinstance(node, ast.Name):
                others.add(node.id)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                others.add(node.value)  # getattr()
    return candidates - others


def _shorten_attributes(node: ast.ClassDef, private: set[str]) -> None:
    names: dict[str, str] = {}
    for attribute in _own_attributes(node):
        if attribute.attr in private:
            names.setdefault(attribute.attr, short_name(len(names)))
            attribute.attr = names[attribute.attr]
    for method in _own_methods(node):
        if method.name in private:
            method.name = names.setdefault(method.name, short_name(len(names)))


class _Arguments(ast.NodeTransformer):
    """Renames arguments by their place; `named` are those that some call names."""

    def __init__(self, named: set[str]) -> None:
        self._named = named
        self._names: dict[str, str] = {}  # of the functions around, by their names before
        self._used = 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._visit_function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._visit_function(node)

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return self._visit_function(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self._names.get(node.id, node.id)
        return node

    def _visit_function(self, node: _Function) -> ast.AST:
        # Decorators and defaults belong to the scope around; viper's arguments have types.
        node.args.defaults = [self.visit(default) for default in node.args.defaults]
        node.args.kw_defaults = [one and self.visit(one) for one in node.args.kw_defaults]
        before = dict(self._names), self._used
        for name in _bound_inside(node):
            self._names.pop(name, None)
        typed = any(argument.annotation for argument in node.args.args)
        kept = self._named | _bound_by_statements(node) | {"self"}
        for argument in [] if typed or _reaches_out(node) else node.args.args:
            if argument.arg not in kept:
                self._names[argument.arg] = argument.arg = short_name(self._used)
                self._used += 1
        if isinstance(node, ast.Lambda):
            node.body = self.visit(node.body)
            self._names, self._used = before
        else:
            node.body = [self.visit(one) for one in node.body]
            self._names, self._used = before
            node.decorator_list = [self.visit(one) for one in node.decorator_list]
        return node


def _bound_inside(node: _Function) -> set[str]:
    """Return the names that a function binds itself, and so hides from the functions around it."""
    arguments = node.args
    names = {one.arg for one in (*arguments.args, *arguments.kwonlyargs)}
    names |= {one.arg for one in (arguments.vararg, arguments.kwarg) if one}
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            names.add(inner.id)
    return names


def _bound_by_statements(node: _Function) -> set[str]:
    """Return the names that imports, definitions and `except ... as` bind: they stay."""
    names: set[str] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in inner.names}
        elif isinstance(
            inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.ExceptHandler
        ):
            names.add(inner.name or "")
    return names


def _reaches_out(node: _Function) -> bool:
    """Tell whether a function rebinds names of others: rare, and left alone."""
    return any(isinstance(inner, ast.Nonlocal | ast.Global) for inner in ast.walk(node))
