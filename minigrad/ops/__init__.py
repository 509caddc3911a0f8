"""Every op by its public name. Rules find each other here, so that families may refer to one another."""

from minigrad.ops import (
    activations,
    attention,
    blockwise,
    class_losses,
    cumulative,
    einstein,
    elementwise,
    fixed,
    indexing,
    linalg,
    losses,
    network,
    normalisation,
    product,
    random,
    rearrange,
    reduction,
    shape,
    transcendental,
    truths,
)
from minigrad.ops import written as written
from minigrad.ops.activations import *
from minigrad.ops.attention import *
from minigrad.ops.blockwise import *
from minigrad.ops.class_losses import *
from minigrad.ops.cumulative import *
from minigrad.ops.einstein import *
from minigrad.ops.elementwise import *
from minigrad.ops.fixed import *
from minigrad.ops.indexing import *
from minigrad.ops.linalg import *
from minigrad.ops.losses import *
from minigrad.ops.network import *
from minigrad.ops.normalisation import *
from minigrad.ops.product import *
from minigrad.ops.random import *
from minigrad.ops.rearrange import *
from minigrad.ops.reduction import *
from minigrad.ops.shape import *
from minigrad.ops.transcendental import *
from minigrad.ops.truths import *

__all__: list[str] = []
__all__ += activations.__all__
__all__ += attention.__all__
__all__ += blockwise.__all__
__all__ += class_losses.__all__
__all__ += cumulative.__all__
__all__ += einstein.__all__
__all__ += elementwise.__all__
__all__ += fixed.__all__
__all__ += indexing.__all__
__all__ += linalg.__all__
__all__ += losses.__all__
__all__ += network.__all__
__all__ += normalisation.__all__
__all__ += product.__all__
__all__ += random.__all__
__all__ += rearrange.__all__
__all__ += reduction.__all__
__all__ += shape.__all__
__all__ += transcendental.__all__
__all__ += truths.__all__
