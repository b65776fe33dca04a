"""The order of the rooms, read from the source: who may import whom, and that the core names no vendor."""

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE = ROOT / "src" / "recallgate"
ADAPTERS = ROOT / "adapters" / "recallgate_adapters"
ORDER = """
    model adapter phone rules stats text policies registry config store transport links optout tracking inbox worklist
    delivery engines gateway blocking recall review sandbox web testing cli
"""
ROOMS = ORDER.split()
# help texts show one adapter's name as an example; nothing depends on it
EXAMPLES = {("src/recallgate/cli/adapters_cmd.py", "twilio")}
# vendors whose name is also the common name of a channel, a protocol or a part of the core
COMMON_WORDS = {"resend", "wecom", "webpush", "smtp", "smpp", "inbox", "webhook", "wechat", "audience", "worklist"}
CORE_FILES = sorted(path for path in CORE.rglob("*.py") if path != CORE / "__init__.py")
ADAPTER_FILES = sorted(ADAPTERS.rglob("*.py"))


def label(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def room_of(module: str) -> str:
    """`recallgate.store.engine` -> `store`."""
    return module.split(".")[1] if "." in module else ""


def module_of(path: Path) -> str:
    parts = path.relative_to(CORE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@lru_cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def public_homes() -> dict[str, str]:
    """Where each name that `recallgate` offers is made."""
    from recallgate import _HOME

    return {**_HOME, "channels": "recallgate.model.channels", "metadata": "recallgate.store.tables"}


def is_typing(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports(path: Path, *, typing: bool = True) -> Iterator[tuple[str, int]]:
    """Modules that a file imports, wherever in it: (module, line). A name of the top level counts as the module behind it.

    `typing`: also what only type checkers see.
    """
    unseen = set() if typing else {id(node) for block in ast.walk(tree(path)) if is_typing(block) for node in ast.walk(block)}
    for node in ast.walk(tree(path)):
        if id(node) in unseen:
            continue
        if isinstance(node, ast.Import):
            yield from ((name.name, node.lineno) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{label(path)}:{node.lineno}: a relative import; write the whole name"
            for name in node.names:
                whole = f"{node.module}.{name.name}"
                if node.module == "recallgate" and name.name in public_homes():
                    yield public_homes()[name.name], node.lineno
                else:
                    yield (whole if whole in MODULES else str(node.module)), node.lineno


MODULES = {module_of(path) for path in CORE_FILES}


@pytest.mark.parametrize("path", CORE_FILES, ids=label)
def test_a_room_imports_only_rooms_before_it(path: Path) -> None:
    own = room_of(module_of(path))
    assert own in ROOMS, f"{own} has no place in the order of the rooms"

    for module, line in imports(path):
        root = module.split(".")[0]
        assert root != "recallgate_adapters", f"{label(path)}:{line}: the core knows adapters by entry point only"
        if root == "recallgate" and (room := room_of(module)):
            assert ROOMS.index(room) <= ROOMS.index(own), f"{label(path)}:{line}: {own} comes before {room} and imports it"


@pytest.mark.parametrize("path", ADAPTER_FILES, ids=label)
def test_adapters_import_the_public_names_only(path: Path) -> None:
    for node in ast.walk(tree(path)):
        found = (
            [name.name for name in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        for module in found:
            assert not module.startswith("recallgate."), f"{label(path)}: {module} is deeper than the public names"
        assert not (isinstance(node, ast.ImportFrom) and node.level), f"{label(path)}: a relative import"


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_has_an_import_cycle(room: str) -> None:
    graph = {
        module_of(path): {module for module, _ in imports(path, typing=False) if module in MODULES and module != module_of(path)}
        for path in CORE_FILES
        if room_of(module_of(path)) == room
    }

    assert cycle(graph) is None


def cycle(graph: dict[str, set[str]]) -> list[str] | None:
    """One cycle of the graph, or None."""
    done: set[str] = set()

    def visit(node: str, way: list[str]) -> list[str] | None:
        if node in way:
            return [*way[way.index(node) :], node]
        if node in done or node not in graph:
            return None
        for following in sorted(graph[node]):
            if (found := visit(following, [*way, node])) is not None:
                return found
        done.add(node)
        return None

    return next((found for node in sorted(graph) if (found := visit(node, [])) is not None), None)


def test_a_cycle_would_be_found() -> None:
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) is None


@lru_cache
def vendors() -> set[str]:
    found = {point.load().vendor for point in entry_points(group="recallgate.adapters")}
    return {vendor.lower() for vendor in found} - COMMON_WORDS


def words(path: Path) -> Iterator[tuple[str, int]]:
    """Words of identifiers and of strings that are not docstrings, in lower case, with their lines."""
    module = tree(path)
    documents = {
        id(node.body[0].value)
        for node in ast.walk(module)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(module):
        said = [
            getattr(node, field)
            for field in ("id", "attr", "name", "arg", "module")
            if isinstance(getattr(node, field, None), str)
        ]
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            said.append(node.value)
        for text in said:
            for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", text):
                yield word.lower(), getattr(node, "lineno", 0)


@pytest.mark.parametrize("path", [path for path in CORE_FILES if "cli/demo" not in path.as_posix()], ids=label)
def test_the_core_names_no_vendor(path: Path) -> None:
    named = sorted({(word, line) for word, line in words(path) if word in vendors() and (label(path), word) not in EXAMPLES})

    assert not named, f"{label(path)} names vendors, which belong beside their adapters: {named}"


def test_there_are_vendors_to_look_for() -> None:
    assert {"twilio", "fcm"} <= vendors()
