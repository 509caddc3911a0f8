"""Every op by its public name. Rules find each other here, so that families may refer to one another."""

from minigrad.ops import attention, elementwise, indexing, network, product, random, reduction, shape
from minigrad.ops.attention import *  # noqa: F403  # each family lists its ops in __all__
from minigrad.ops.elementwise import *  # noqa: F403
from minigrad.ops.indexing import *  # noqa: F403
from minigrad.ops.network import *  # noqa: F403
from minigrad.ops.product import *  # noqa: F403
from minigrad.ops.random import *  # noqa: F403
from minigrad.ops.reduction import *  # noqa: F403
from minigrad.ops.shape import *  # noqa: F403

__all__: list[str] = []
__all__ += attention.__all__
__all__ += elementwise.__all__
__all__ += indexing.__all__
__all__ += network.__all__
__all__ += product.__all__
__all__ += random.__all__
__all__ += reduction.__all__
__all__ += shape.__all__
