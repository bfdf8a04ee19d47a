"""Leave out of the firmware what folding its constants has made useless. Works on syntax trees."""

import ast
from dataclasses import dataclass, field

from relay.update.constants import Module


@dataclass
class _Uses:
    """What is still mentioned, by dotted path; `whole`: not only for an attribute of it."""

    names: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)


def _read_uses(modules: dict[str, Module]) -> _Uses:
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


def drop_unused(modules: dict[str, Module]) -> int:
    """Leave out folded constants, empty classes and imports that nobody mentions; count them."""
    uses = _read_uses(modules)
    dropped = 0
    for module in modules.values():
        dropper = _Dropper(module, modules, uses)
        dropper.visit(module.tree)
        dropped += dropper.dropped
    return dropped


class _Dropper(ast.NodeTransformer):
    def __init__(self, module: Module, modules: dict[str, Module], uses: _Uses) -> None:
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
