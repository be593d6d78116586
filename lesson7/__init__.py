"""Training a state-of-the-art model, hands on: explorers, arithmetic, training and sharing.

Public names are imported on first use; `__init__.pyi` lists them.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
