"""Write the firmware's constants in where they are used, before it is compiled for a toy.

A toy keeps bytecode, names and dictionaries in its heap. Source for people has `State.IDLE` and
`PCM_FRAME_BYTES`; each costs the toy a name, a dictionary entry, an import and a look-up every
time. MicroPython's `const()` does away with some of that within one file; this does it across
files. Pure: texts in, texts out.

What `relay.update.constants` knows is folded, and what nobody mentions any more is left out.
Everything else stays as it is; line numbers do not.
"""

import ast

from relay.update.constants import Module, find_constants, look_up, read_imports
from relay.update.unused import drop_unused


def fold(sources: dict[str, str]) -> dict[str, str]:
    """Return the modules `sources` (dotted name to text) with constants folded.

    SyntaxError names the module that is no Python.
    """
    modules = {}
    for name, text in sources.items():
        modules[name] = Module(name, ast.parse(text, filename=name))
    for module in modules.values():
        read_imports(module)
    while sum(find_constants(module, modules) for module in modules.values()):
        pass  # a constant may be reckoned from another module's
    for module in modules.values():
        _Folder(module, modules).visit(module.tree)
    while drop_unused(modules):
        pass  # what is left out may have been the last to mention something else
    return {name: _text(module.tree) for name, module in modules.items()}


def _text(tree: ast.Module) -> str:
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


class _Folder(ast.NodeTransformer):
    def __init__(self, module: Module, modules: dict[str, Module]) -> None:
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
            value = look_up(node, self._module, self._modules)
        except ValueError:
            return node
        if isinstance(value, int | float) and value < 0:
            return ast.UnaryOp(ast.USub(), ast.Constant(-value))
        return ast.Constant(value)
