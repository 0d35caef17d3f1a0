"""The FlatBuffers classes of the .tflite format, found without importing TensorFlow."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path
from types import ModuleType

from axedge.artifacts.errors import ToolMissing

#: Packages that ship the generated schema module, and where in them. It imports only flatbuffers and numpy.
_PLACES = (
    ("tensorflow", "lite/python/schema_py_generated.py"),
    ("ai_edge_litert", "schema_py_generated.py"),
    ("tflite_micro", "tensorflow/lite/micro/python/schema_py_generated.py"),
)


@functools.cache
def schema() -> ModuleType:
    """Return the generated schema module, loaded by its file's path.

    Raises:
        ToolMissing: no installed package ships it.
    """
    for package, inside in _PLACES:
        found = importlib.util.find_spec(package)
        for folder in (found.submodule_search_locations or ()) if found else ():
            path = Path(folder) / inside
            if path.is_file():
                return _load(path)
    raise ToolMissing("no package here can read a .tflite.", "Install TensorFlow: `pip install 'axedge[train]'`.")


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("axedge_tflite_schema", path)
    if spec is None or spec.loader is None:
        raise ToolMissing(f"{path} cannot be loaded.", "Install TensorFlow again: `pip install 'axedge[train]'`.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
