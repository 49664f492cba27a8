"""The composition root: configuration in, a workspace out. Wiring lives here only."""

from evidentia.app.configuration import CONFIG_NAME, Config, load_config
from evidentia.app.workspace import Workspace, open_workspace, utc_microseconds

__all__ = [
    "CONFIG_NAME",
    "Config",
    "Workspace",
    "load_config",
    "open_workspace",
    "utc_microseconds",
]
