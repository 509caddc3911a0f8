"""Every op by its public name. Rules find each other here, so that families may refer to one another."""

from minigrad.core.record import registry
from minigrad.ops import written as written
from minigrad.ops.activations import *
from minigrad.ops.attention import *
from minigrad.ops.blockwise import *
from minigrad.ops.class_losses import *
from minigrad.ops.cumulative import *
from minigrad.ops.differences import *
from minigrad.ops.einstein import *
from minigrad.ops.elementwise import *
from minigrad.ops.fixed import *
from minigrad.ops.indexing import *
from minigrad.ops.joining import *
from minigrad.ops.linalg import *
from minigrad.ops.losses import *
from minigrad.ops.matrices import *
from minigrad.ops.methods import offer_function
from minigrad.ops.network import *
from minigrad.ops.normalisation import *
from minigrad.ops.product import *
from minigrad.ops.protocol import *
from minigrad.ops.random import *
from minigrad.ops.rearrange import *
from minigrad.ops.reduction import *
from minigrad.ops.remainders import *
from minigrad.ops.shape import *
from minigrad.ops.transcendental import *
from minigrad.ops.truths import *
from minigrad.ops.windows import *

__all__ = [*registry]

for _function in registry.values():
    offer_function(_function)
