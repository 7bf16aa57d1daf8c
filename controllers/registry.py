"""Controllers by name, and of the user's own by import path."""

from __future__ import annotations

from importlib import import_module
from inspect import isfunction
from typing import Any

from mothsim.flight import Controller, check_controller
from mothsim.import_path import is_import_path, load_object

_NAMED = {
    "lqr": ("mothsim.controllers.lqr", "LQR"),
    "inverse-model": ("mothsim.controllers.inverse_model", "InverseModel"),
    "policy": ("mothsim.controllers.policy", "Policy"),
    "monte-carlo": ("mothsim.controllers.mpc.bustamante2022", "MonteCarlo"),
    "random-shooting": ("mothsim.controllers.mpc.random_shooting", "RandomShooting"),
    "cem": ("mothsim.controllers.mpc.cem", "CEM"),
    "nmpc": ("mothsim.controllers.mpc.nmpc", "NMPC"),
    "mppi": ("mothsim.controllers.mpc.mppi", "MPPI"),
}
NAMES = tuple(_NAMED)


def make(name: str, **options: Any) -> Controller:
    """A controller by name.

    Args:
        name: one of `NAMES`, or `module:name` (`file.py:name`) of a controller's class, of a function that makes one,
            or of a controller itself, such as one made by `mothsim.single`.
        options: the arguments of its class or function.

    Raises:
        ValueError: an unknown name, an option that the controller does not have, or an object that is no controller.
    """
    if isinstance(name, str) and is_import_path(name):
        return _own(name, options)
    kind = controller_class(name)
    try:
        return kind(**options)
    except TypeError as error:
        raise ValueError(f"controller {name!r}: {error}") from None


def controller_class(name: str) -> type:
    """The class of a controller by name.

    Raises:
        ValueError: an unknown name.
    """
    if not (isinstance(name, str) and name in _NAMED):
        raise ValueError(
            f"controller = {name!r}: expected one of {', '.join(NAMES)}, or module:name or file.py:name of your own"
        )
    module, kind = _NAMED[name]
    return getattr(import_module(module), kind)


def _own(text: str, options: dict[str, Any]) -> Controller:
    found = load_object(text, "controller")
    if isinstance(found, type) or not hasattr(found, "control"):
        try:
            found = found(**options)
        except Exception as error:  # the user's own code may raise any
            hint = "; a law for one moth needs the decorator mothsim.single" if isfunction(found) else ""
            reason = f"{type(error).__name__}: {error}{hint}"
            raise ValueError(f"controller = {text!r}: making it failed: {reason}") from error
    elif options:
        raise ValueError(f"controller = {text!r}: is made already and takes no {', '.join(options)}")
    try:
        check_controller(found)
    except ValueError as error:
        raise ValueError(f"controller = {text!r}: {error}") from None
    return found
