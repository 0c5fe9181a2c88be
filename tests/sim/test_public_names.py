from importlib import import_module

import pytest


@pytest.mark.parametrize(
    "package", ["pasta_toolkit.report", "pasta_toolkit.runtime", "simulator", "simulator.strategies"]
)
def test_public_names_exist_once_and_stand_in_order(package):
    module = import_module(package)
    names = list(module.__all__)
    assert len(set(names)) == len(names)
    assert all(hasattr(module, name) for name in names)
    assert names == sorted(names, key=lambda name: (not name.isupper(), name[0].islower(), name))
