"""How the parts of the hive are made."""

from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING

_making = RLock()

if TYPE_CHECKING:
    part = cached_property
else:

    class part(cached_property):
        """A cached property that several threads may ask for first; the standard one would make it for each."""

        def __get__(self, instance: object, owner: type | None = None) -> object:
            """The part, made now if nobody asked for it before."""
            with _making:
                return super().__get__(instance, owner)
