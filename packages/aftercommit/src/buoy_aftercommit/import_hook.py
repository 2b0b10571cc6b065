"""Calls a function when a module is imported, without importing the module itself."""

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


def call_when_imported(module: str, callback: Callable[[], object]) -> None:
    """Call ``callback`` now if the module is imported already, else right after its first
    import."""
    if module in sys.modules:
        callback()
    else:
        sys.meta_path.insert(0, ImportWatcher(module, callback))


class ImportWatcher(MetaPathFinder):
    """Lets the other finders find one module, and wraps its loader to notice the import."""

    def __init__(self, module: str, callback: Callable[[], object]) -> None:
        self.module, self.callback = module, callback

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != self.module:
            return None
        others = (finder.find_spec for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, (find(name, path, target) for find in others)), None)
        if spec is not None and spec.loader is not None:
            spec.loader = NotifyingLoader(spec.loader, self)
        return spec


class NotifyingLoader(Loader):
    """Loads a module with its own loader, then calls the watcher's callback.

    The watcher stays until an import succeeds, so a failed first import does not matter.
    """

    def __init__(self, loader: Loader, watcher: ImportWatcher) -> None:
        self.loader, self.watcher = loader, watcher

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self.loader
        self.loader.exec_module(module)
        if self.watcher in sys.meta_path:
            sys.meta_path.remove(self.watcher)
            self.watcher.callback()
