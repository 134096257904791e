"""How kernels are compiled, and where the compiled code is kept: in the user's cache folder, readable by nobody else."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils, event
from numba.extending import intrinsic

F = TypeVar("F", bound=Callable[..., Any])


def cache_folder() -> Path:
    """The folder of compiled kernels, mode 0700: it is code, so nobody else may write there."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "chain-exposure" / "kernels" / _edition()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for one in (folder.parent, folder):
        one.chmod(0o700)
    return folder


@cache
def _edition() -> str:
    """Hash of all kernels' sources: numba looks for changes in a function's own file only, not in those that it calls."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]


_events: Any = event  # untyped
_CLOCK = _events.TimingListener()
_events.register("numba:compile", _CLOCK)


def compile_seconds() -> float:
    """Seconds that this process has spent on compiling kernels so far; none where all were found compiled."""
    return float(_CLOCK.duration) if _CLOCK.done else 0.0


def kernel(function: F) -> F:
    """Compile a function without Python objects; the machine code is cached between runs, where that can be written."""
    settings: Any = numba.config
    try:
        settings.CACHE_DIR = str(cache_folder())
        kept = True
    except OSError:  # no home that can be written: compiled anew in each process
        kept = False
    compiled: Any = numba.njit(cache=kept, nogil=True, error_model="numpy")(function)
    return cast(F, compiled)


def _prefetch(typing_context: Any, array: Any, index: Any) -> Any:
    signature = types.void(array, types.intp)

    lower: Any = cgutils  # untyped

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        arrays = context.make_array(sig.args[0])(context, builder, args[0])
        pointer = lower.get_item_pointer2(
            context,
            builder,
            arrays.data,
            lower.unpack_tuple(builder, arrays.shape),
            lower.unpack_tuple(builder, arrays.strides),
            sig.args[0].layout,
            [args[1]] + [context.get_constant(types.intp, 0)] * (sig.args[0].ndim - 1),
            wraparound=False,
        )
        raw = builder.bitcast(pointer, ir.IntType(8).as_pointer())
        word = ir.IntType(32)
        hint = lower.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), [raw.type, word, word, word]), "llvm.prefetch.p0"
        )
        builder.call(hint, [raw, word(1), word(3), word(1)])
        return context.get_dummy_value()

    return signature, generate


prefetch: Callable[[Any, int], None] = cast(Any, intrinsic)(_prefetch)
"""Ask for the cache line of ``array[index]``; no effect on results."""
