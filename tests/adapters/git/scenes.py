"""Repositories in every state that a person can bring one into, by name."""

from tests.adapters.git.oddities import ODDITIES
from tests.adapters.git.states import STATES

SCENES = {scene.__name__: scene for scene in (*STATES, *ODDITIES)}
