"""Load an item's module in its own process and collect what it registers through the hooks."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Dict, List

import pluggy

from repertory_sdk import hookspecs
from repertory_sdk.app import Action, App
from repertory_sdk.errors import DefinitionError
from repertory_sdk.playbook import Playbook


def load_module(folder: Path, main: str) -> ModuleType:
    """Import the item's main file; its own folder comes first on the path, for its sibling modules."""
    sys.path.insert(0, str(folder))
    name = Path(main).stem
    spec = importlib.util.spec_from_file_location(name, folder / main)
    if spec is None or spec.loader is None:
        raise DefinitionError(f"{main} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def plugins_of(module: ModuleType) -> pluggy.PluginManager:
    """Hooks of the module itself, and of every App and Playbook made in it."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(module)
    made = {id(value): value for value in vars(module).values() if isinstance(value, (App, Playbook))}
    if sum(isinstance(value, App) for value in made.values()) > 1:
        raise DefinitionError(f"{module.__name__} declares two apps; one module is one app")
    for value in made.values():
        manager.register(value)
    manager.check_pending()
    return manager


def actions_of(manager: pluggy.PluginManager) -> Dict[str, Action]:
    """Every registered action by name."""
    found: Dict[str, Action] = {}

    def register(action: Action) -> None:
        if action.name in found:
            raise DefinitionError(f"two actions are called {action.name!r}")
        found[action.name] = action

    manager.hook.repertory_actions(register=register)
    return found


def playbooks_of(manager: pluggy.PluginManager) -> List[Playbook]:
    """Every registered playbook."""
    found: List[Playbook] = []
    manager.hook.repertory_playbooks(register=found.append)
    return found


def load_playbook(folder: Path, main: str, name: str) -> Playbook:
    """The playbook of this name in an item's main file."""
    found: Dict[str, Any] = {made.name: made for made in playbooks_of(plugins_of(load_module(folder, main)))}
    if name not in found:
        raise DefinitionError(f"{main} registers no playbook called {name!r} (it has {', '.join(found) or 'none'})")
    return found[name]  # type: ignore[no-any-return]
