"""A pretended CUDA device: tensors say ``cuda:0``, their values are computed on the CPU.

    with pretended_device() as device:
        population.init((4, 8, 2), [0], "cuda")    # runs, and is counted
    device.synchronisations                        # what the host waited for, by source line

It holds code to the rules of a real device:

* an operation on tensors of both devices raises, as CUDA refuses it;
* whatever makes the host wait (copies to and from the host, ``item``, boolean indices) is counted,
  and raises while a graph is captured;
* a captured graph records operations, and its replay runs these again on the same memory, so what
  Python did between them is not repeated;
* two captures at once raise;
* ``fail_at`` raises an out-of-memory error at the n-th allocation.

It proves nothing about kernels, memory, streams or speed, and cannot run convolutions.
"""

from __future__ import annotations

import contextlib
import threading
import traceback
from collections import Counter
from dataclasses import dataclass, field

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

aten = torch.ops.aten
CUDA = torch.device("cuda", 0)

WAITING = {
    aten.nonzero.default: "nonzero",
    aten.masked_select.default: "masked_select",
    aten._unique2.default: "unique",
    aten._local_scalar_dense.default: "item",
    aten.equal.default: "equal",
}
"""Operations whose result the host needs, or whose size depends on the values."""

INDEXING = {
    aten.index.Tensor,
    aten.index_put_.default,
    aten.index_put.default,
    aten._index_put_impl_.default,
}
"""Operations that take indices from the host, too."""

COPIES = {aten.copy_.default, aten._to_copy.default}
"""Operations between devices."""

ALL_ON_DEVICE = {
    aten.index_select.default,
    aten.scatter_.value,
    aten.scatter_.src,
    aten.gather.default,
    aten.bmm.default,
    aten.baddbmm.default,
}
"""Operations that refuse even a single number of the host."""


@dataclass
class Device:
    """What happened on the pretended device.

    Attributes:
        synchronisations: how often the host waited, by reason and source line.
        launches: how often each operation ran outside a replay.
        captured: number of operations of each graph.
        replays: number of replays.
        allocations: number of tensors allocated.
        fail_at: the allocation that fails; 0 for none.
        failures: how many allocations fail from there on.
        has_float64: whether there are such numbers; MPS has none.
    """

    synchronisations: Counter = field(default_factory=Counter)
    launches: Counter = field(default_factory=Counter)
    captured: list[int] = field(default_factory=list)
    replays: int = 0
    allocations: int = 0
    fail_at: int = 0
    failures: int = 1
    has_float64: bool = True
    capture: Graph | None = None
    capturing_thread: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def captures_here(self) -> bool:
        """Whether this thread captures a graph."""
        return self.capture is not None and self.capturing_thread == threading.get_ident()

    def synchronise(self, reason: str):
        """The host waits for the device."""
        if self.captures_here:
            raise RuntimeError(
                f"CUDA error: operation not permitted when stream is capturing: {reason}, {line()}"
            )
        with self.lock:
            self.synchronisations[f"{reason}, {line()}"] += 1

    def allocate(self):
        """A new tensor needs memory."""
        with self.lock:
            self.allocations += 1
            n = self.allocations - self.fail_at
        if self.fail_at and 0 <= n < self.failures:
            if self.captures_here:  # a capture hides what it fails by
                raise RuntimeError("CUDA error: out of memory")
            raise torch.cuda.OutOfMemoryError("CUDA out of memory, pretended")


DEVICE = Device()
"""The one device, made anew by each ``pretended_device``."""


def line() -> str:
    """The line of the package that is being run."""
    for frame in reversed(traceback.extract_stack()):
        if "lth_utils/" in frame.filename.replace("\\", "/"):
            return f"{frame.filename.rpartition('lth_utils')[2]}:{frame.lineno} {frame.line}"
    return "elsewhere"


class OnDevice(torch.Tensor):
    """A tensor that says ``cuda:0``; its values are those of `values`, on the CPU."""

    values: torch.Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, values: torch.Tensor):
        if values.dtype == torch.float64 and not DEVICE.has_float64:
            raise TypeError("the device has no float64")
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            values.shape,
            strides=values.stride(),
            storage_offset=values.storage_offset(),
            dtype=values.dtype,
            device=CUDA,
        )
        made.values = values
        return made

    def __repr__(self):
        return f"OnDevice({self.values})"

    def tolist(self):
        DEVICE.synchronise("tolist")
        return self.values.tolist()

    def item(self):
        DEVICE.synchronise("item")
        return self.values.item()

    def numpy(self, *, force=False):
        if not force:
            raise TypeError("can't convert cuda:0 device type tensor to numpy")
        DEVICE.synchronise("copy to the host")
        return self.values.detach().numpy()

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        return run(operation, args, kwargs or {})


class Pretending(TorchDispatchMode):
    """Sends every operation of a thread through :func:`run`."""

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        return run(operation, args, kwargs or {})


def run(operation, args, kwargs):
    """Run an operation on the CPU, by the rules of its device."""
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    here = [tensor for tensor in tensors if isinstance(tensor, OnDevice)]
    target = torch.device(kwargs["device"]) if kwargs.get("device") is not None else None
    makes_cuda = target is not None and target.type == "cuda"
    if not here and not makes_cuda:
        return operation(*args, **kwargs)
    check(operation, args, kwargs, here=here, tensors=tensors, target=target)
    plain_args = tree_map(unwrapped, args)
    plain_kwargs = {}
    for name, value in kwargs.items():
        if name != "pin_memory":
            value = torch.device("cpu") if name == "device" else value
            plain_kwargs[name] = unwrapped(value)
    made = operation(*plain_args, **plain_kwargs)
    if DEVICE.captures_here:
        DEVICE.capture.recorded.append((operation, plain_args, plain_kwargs, made))
    elif not operation.is_view:
        DEVICE.launches[str(operation)] += 1
    stays_on_host = operation is aten._local_scalar_dense.default or (
        target is not None and target.type == "cpu"
    )
    if stays_on_host:
        return made
    known = {id(tensor.values): tensor for tensor in here}

    def wrapped(value):
        if not isinstance(value, torch.Tensor):
            return value
        if id(value) in known:  # the operation changed its argument
            return known[id(value)]
        if not operation.is_view:
            DEVICE.allocate()
        return OnDevice(value)

    return tree_map(wrapped, made)


def unwrapped(value):
    """The CPU tensor behind a pretended one; anything else as it is."""
    return value.values if isinstance(value, OnDevice) else value


def check(operation, args, kwargs, *, here, tensors, target):
    """Refuse what CUDA refuses, and count what the host waits for."""
    host = [tensor for tensor in tensors if not isinstance(tensor, OnDevice)]
    if here and operation in WAITING:
        DEVICE.synchronise(WAITING[operation])
    if here and operation in INDEXING:
        indices = [index for index in args[1] if index is not None]
        for index in indices:
            if index.dtype in (torch.bool, torch.uint8):
                DEVICE.synchronise("boolean index")
            if not isinstance(index, OnDevice):
                DEVICE.synchronise("index from the host")
        host = [tensor for tensor in host if not any(tensor is index for index in indices)]
    if operation is aten.copy_.default:
        check_copy(*args[:2], kwargs.get("non_blocking", len(args) > 2 and args[2]))
    elif operation is aten._to_copy.default and target is not None:
        if here and target.type == "cpu":
            DEVICE.synchronise("copy to the host")
        elif not here and target.type == "cuda":
            DEVICE.synchronise("copy to the device")
    elif here:
        for tensor in host:
            if tensor.ndim or operation in ALL_ON_DEVICE:
                raise RuntimeError(
                    "Expected all tensors to be on the same device, but found at least two "
                    f"devices, cuda:0 and cpu! {operation}, {line()}"
                )


def check_copy(target, source, non_blocking: bool):
    """Count a copy that the host waits for: one between devices, unless from pinned memory."""
    if isinstance(target, OnDevice) == isinstance(source, OnDevice):
        return
    host = source if isinstance(target, OnDevice) else target
    if not (non_blocking and getattr(host, "is_pinned_here", False)):
        where = "device" if isinstance(target, OnDevice) else "host"
        DEVICE.synchronise(f"copy to the {where}")


class Graph:
    """A captured graph: operations with their arguments and results, the memory fixed."""

    def __init__(self):
        self.recorded = []

    def replay(self):
        DEVICE.replays += 1
        for operation, args, kwargs, made in self.recorded:
            again = operation(*args, **kwargs)
            for target, value in zip(tree_leaves(made), tree_leaves(again), strict=True):
                is_tensor = isinstance(target, torch.Tensor)
                if is_tensor and target.numel() and target.data_ptr() != value.data_ptr():
                    target.copy_(value)


@contextlib.contextmanager
def capture(graph: Graph, capture_error_mode: str = "global"):
    """As ``torch.cuda.graph``."""
    assert capture_error_mode == "thread_local", "other threads use the device meanwhile"
    if DEVICE.capture is not None:
        raise RuntimeError("two captures at once: torch allows one in a process")
    DEVICE.capture, DEVICE.capturing_thread = graph, threading.get_ident()
    try:
        yield
    except Exception as error:  # as a real one, it ends in an error of its own
        raise RuntimeError("CUDA error: capture failed due to a previous error") from error
    finally:
        DEVICE.capture = None
    DEVICE.captured.append(len(graph.recorded))


class Stream:
    """A stream without work of its own."""

    def wait_stream(self, other):
        """Nothing to wait for."""


def in_this_mode(start):
    """``Thread.start`` whose threads pretend, too: modes belong to a thread."""

    def started(thread):
        work = thread.run

        def run_pretending():
            torch._C._set_only_lift_cpu_tensors(True)
            with Pretending():
                work()

        thread.run = run_pretending
        start(thread)

    return started


def noting_pinned(zeros):
    """``torch.zeros`` that remembers what would be pinned."""

    def made(*size, pin_memory=False, **kwargs):
        tensor = zeros(*size, **kwargs)
        if pin_memory:
            tensor.is_pinned_here = True
        return tensor

    return made


@contextlib.contextmanager
def pretended_device():
    """Pretend that there is a CUDA device, in this thread and in those that are started inside.

    Yields:
        The :class:`Device`, on which nothing happened yet.
    """
    global DEVICE
    DEVICE = Device()
    replaced = [
        (torch.cuda, "is_available", lambda: True),
        (torch.cuda, "Stream", Stream),
        (torch.cuda, "current_stream", lambda *_: Stream()),
        (torch.cuda, "stream", lambda _: contextlib.nullcontext()),
        (torch.cuda, "CUDAGraph", Graph),
        (torch.cuda, "graph", capture),
        (torch.cuda, "get_device_name", lambda *_: "pretended"),
        (torch.cuda, "synchronize", lambda *_: None),
        (torch.cuda, "empty_cache", lambda: None),
        (torch.cuda, "is_current_stream_capturing", lambda: DEVICE.captures_here),
        (torch.cuda, "_lazy_init", lambda: None),
        (torch.optim.Optimizer, "_accelerator_graph_capture_health_check", lambda _: None),
        (threading.Thread, "start", in_this_mode(threading.Thread.start)),
        (torch, "zeros", noting_pinned(torch.zeros)),
    ]
    torch._C._ensureCUDADeviceGuardSet()
    lift = torch._C._only_lift_cpu_tensors()
    torch._C._set_only_lift_cpu_tensors(True)
    with contextlib.ExitStack() as stack:
        stack.callback(torch._C._set_only_lift_cpu_tensors, lift)
        for owner, name, replacement in replaced:
            stack.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, replacement)
        with Pretending():
            yield DEVICE
