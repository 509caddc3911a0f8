"""Every op by its public name. Rules find each other here, so that families may refer to one another."""

from minigrad.ops import (
    activations,
    attention,
    blockwise,
    class_losses,
    cumulative,
    einstein,
    elementwise,
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
)
from minigrad.ops.activations import *  # noqa: F403  # each family lists its ops in __all__
from minigrad.ops.attention import *  # noqa: F403
from minigrad.ops.blockwise import *  # noqa: F403
from minigrad.ops.class_losses import *  # noqa: F403
from minigrad.ops.cumulative import *  # noqa: F403
from minigrad.ops.einstein import *  # noqa: F403
from minigrad.ops.elementwise import *  # noqa: F403
from minigrad.ops.indexing import *  # noqa: F403
from minigrad.ops.linalg import *  # noqa: F403
from minigrad.ops.losses import *  # noqa: F403
from minigrad.ops.network import *  # noqa: F403
from minigrad.ops.normalisation import *  # noqa: F403
from minigrad.ops.product import *  # noqa: F403
from minigrad.ops.random import *  # noqa: F403
from minigrad.ops.rearrange import *  # noqa: F403
from minigrad.ops.reduction import *  # noqa: F403
from minigrad.ops.shape import *  # noqa: F403
from minigrad.ops.transcendental import *  # noqa: F403

__all__: list[str] = []
__all__ += activations.__all__
__all__ += attention.__all__
__all__ += blockwise.__all__
__all__ += class_losses.__all__
__all__ += cumulative.__all__
__all__ += einstein.__all__
__all__ += elementwise.__all__
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
