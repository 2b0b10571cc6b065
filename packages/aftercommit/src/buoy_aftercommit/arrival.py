"""Do something with a module once somebody imports it, and import it for nobody."""

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


def when_imported(name: str, then: Callable[[], object]) -> None:
    """Call ``then`` when the module is there: now, or right after its first import."""
    if name in sys.modules:
        then()
    else:
        sys.meta_path.insert(0, Lookout(name, then))


class Lookout(MetaPathFinder):
    """Lets the others find the module, and has itself told of its loading."""

    def __init__(self, name: str, then: Callable[[], object]) -> None:
        self.name, self.then = name, then

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != self.name:
            return None
        others = (each.find_spec for each in sys.meta_path if each is not self)
        spec = next(filter(None, (find(name, path, target) for find in others)), None)
        if spec is not None and spec.loader is not None:
            spec.loader = Announced(spec.loader, self)
        return spec


class Announced(Loader):
    """Loads as the other loader does, then says so."""

    def __init__(self, loader: Loader, lookout: Lookout) -> None:
        self.loader, self.lookout = loader, lookout

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self.loader
        self.loader.exec_module(module)
        if self.lookout in sys.meta_path:
            sys.meta_path.remove(self.lookout)
            self.lookout.then()
