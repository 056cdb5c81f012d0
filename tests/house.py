"""The house rules that import-linter cannot state; each returns its violations as `path:line: what`."""

import ast
import re
from collections.abc import Callable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
Rule = Callable[[PurePosixPath, ast.Module], Iterator[str]]

MAX_LINES = 500

# Outside libraries that only some rooms may import: module -> the paths that may.
_HTTP_ROOMS = ("webhooks/outbound.py", "generations/providers/")
IMPORT_ROOMS = {
    "stripe": ("billing/stripe_gateway/", "billing/till/"),
    **dict.fromkeys(
        ("torch", "diffusers", "transformers", "accelerate", "safetensors", "tokenizers", "numpy", "c2pa"),
        ("generations/engine/",),
    ),
    "storages": ("generations/s3.py",),
    "boto3": ("generations/s3.py",),
    "botocore": ("generations/s3.py",),
    **dict.fromkeys(
        ("httpx2", "httpcore2", "httpx", "requests", "aiohttp", "urllib3", "urllib.request", "http.client"),
        _HTTP_ROOMS,
    ),
}
MODEL_SIGNALS = {
    "Signal",
    "ModelSignal",
    "pre_init",
    "post_init",
    "pre_save",
    "post_save",
    "pre_delete",
    "post_delete",
    "m2m_changed",
}

LEDGER = ("billing/ledger.py", "billing/ledger/")
_LEDGER_NAMES = {"wallet", "wallets", "ledgerentry", "ledger_entry", "ledger_entries", "entries"}
_WRITES = re.compile(r"a?(bulk_create|bulk_update|create|delete|get_or_create|save|update|update_or_create)")
_LEDGER_SQL = re.compile(
    r"\b(insert\s+into|update|delete\s+from|truncate)\s+\W?billing_(wallet|ledgerentry)\b", re.I
)


def product_files(root: Path = ROOT) -> list[Path]:
    """What is shipped as Python, without migrations; apps that come later are found by their apps.py."""
    apps = sorted(file.parent for file in root.glob("*/apps.py")) or [root / "config"]
    return [file for app in apps for file in sorted(app.rglob("*.py")) if "migrations" not in file.parts]


def violations(rule: Rule, root: Path = ROOT) -> list[str]:
    found = []
    for file in product_files(root):
        path = PurePosixPath(file.relative_to(root).as_posix())
        found += list(rule(path, ast.parse(file.read_text(encoding="utf-8"))))
    return found


def imports_stay_in_their_rooms(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    for line, module in _imports(tree):
        for fenced, rooms in IMPORT_ROOMS.items():
            if _is_inside(module, fenced) and not str(path).startswith(rooms):
                yield f"{path}:{line}: imports {module}, which belongs into {' and '.join(rooms)}"


def no_signals_between_apps(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    """Explicit calls can be followed; Django's own news (post_migrate, connection_created) may be heard."""
    for line, module in _imports(tree):
        package, _, name = module.rpartition(".")
        if package in ("django.dispatch", "django.db.models.signals") and name in MODEL_SIGNALS:
            yield f"{path}:{line}: {module} couples apps by a signal; call, or use a list in hooks.py"


def only_the_ledger_writes_money(path: PurePosixPath, tree: ast.Module) -> Iterator[str]:
    """By name: writing anything reached through Wallet, LedgerEntry, `wallet` or `entries`; and by SQL."""
    if str(path).startswith(LEDGER):
        return
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=receiver, attr=name)) if _WRITES.fullmatch(name):
                if {word.lower() for word in _names(receiver)} & _LEDGER_NAMES:
                    yield f"{path}:{node.lineno}: {name} on a wallet or its entries"
            case ast.Constant(value=str(text)) if _LEDGER_SQL.search(text):
                yield f"{path}:{node.lineno}: SQL that writes a wallet or its entries"


def long_files(root: Path = ROOT) -> list[str]:
    sources = [*product_files(root)]
    for folder in ("benchmarks", "clients", "tests"):
        sources += sorted((root / folder).rglob("*.py"))
    for folder, pattern in (
        ("templates", "*.html"),
        ("static", "*.js"),
        ("static", "*.css"),
        ("docs", "*.md"),
        ("clients", "*.md"),
    ):
        sources += sorted(file for file in (root / folder).rglob(pattern) if "vendor" not in file.parts)
    return [
        f"{file.relative_to(root)}: {lines} lines"
        for file in sources
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > MAX_LINES
    ]


def broken_links(root: Path = ROOT) -> list[str]:
    """Links of pages to files that are not there."""
    pages = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("clients/**/*.md")]
    return [
        f"{page.relative_to(root)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]


def circle(root: Path = ROOT) -> list[str]:
    """Files of which each imports the next, and the last the first. Late imports count, for types alone they do not."""
    files = {_module_of(file.relative_to(root)): file for file in product_files(root)}
    graph = {}
    for module, file in files.items():
        tree = _WithoutTypes().visit(ast.parse(file.read_text(encoding="utf-8")))
        named = [name for _line, name in _imports(tree)]
        graph[module] = {name if name in files else name.rpartition(".")[0] for name in named} & files.keys()
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def _module_of(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


class _WithoutTypes(ast.NodeTransformer):
    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        is_for_types = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        return node.orelse if is_for_types else self.generic_visit(node)


def locks_with_addresses(root: Path = ROOT) -> list[str]:
    return [
        f"{lock.name}:{number}: {line}"
        for lock in sorted((root / "requirements").glob("*.txt"))
        for number, line in enumerate(lock.read_text(encoding="utf-8").splitlines(), 1)
        if "://" in line
    ]


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and _names(node.func)[-1:] in (["import_module"], ["__import__"]):
            match node.args:
                case [ast.Constant(value=str(module)), *_]:
                    yield node.lineno, module


def _is_inside(module: str, fenced: str) -> bool:
    return module == fenced or module.startswith(f"{fenced}.")


def _names(expression: ast.expr) -> list[str]:
    """The dotted and called names of `a.b.filter(…).c`, left to right: a, b, filter, c."""
    match expression:
        case ast.Name(id=name):
            return [name]
        case ast.Attribute(value=value, attr=name):
            return [*_names(value), name]
        case ast.Call(func=func):
            return _names(func)
        case ast.Subscript(value=value):
            return _names(value)
        case _:
            return []
