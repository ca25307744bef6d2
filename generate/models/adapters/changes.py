"""Changes: what each make of adapter adds to a weight, worked out from the tensors that its files hold for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

#: What a file holds for one weight, by what each tensor is to it (see `adapter_file`).
Roles = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Make:
    """A make of adapter: `needed` and `allowed` are its tensors. `delta` makes of them, and of the weight as it was,
    what is added to that at a scale of 1; `rank` is what alpha is divided by, None where nothing is."""

    name: str
    needed: frozenset[str]
    allowed: frozenset[str]
    delta: Callable[[Roles, torch.Tensor], torch.Tensor]
    rank: Callable[[Roles], int | None] = lambda _: None


def _low_rank(roles: Roles, _weight: torch.Tensor) -> torch.Tensor:
    """LoRA (Hu et al. 2021); of convolutions perhaps with a core between the factors (LyCORIS, a Tucker
    decomposition)."""
    up, down = roles["up"], roles["down"]
    if "mid" in roles:
        return torch.einsum("mn...,om,ni->oi...", roles["mid"], up.flatten(1), down.flatten(1))
    return up.flatten(1) @ down.flatten(1)


def _hadamard(roles: Roles, _weight: torch.Tensor) -> torch.Tensor:
    """LoHa (Hyeon-Woo et al. 2021): the product, number by number, of two matrices of low rank."""

    def half(number: int) -> torch.Tensor:
        one, other = roles[f"hada_w{number}_a"], roles[f"hada_w{number}_b"]
        if (core := roles.get(f"hada_t{number}")) is not None:
            return torch.einsum("mn...,ni,mo->oi...", core, other, one)
        return one.flatten(1) @ other.flatten(1)

    return half(1) * half(2)


def _kronecker(roles: Roles, _weight: torch.Tensor) -> torch.Tensor:
    """LoKr (Edalati et al. 2022; Yeh et al. 2023): a Kronecker product, each side whole or of low rank."""

    def side(number: int) -> torch.Tensor:
        if (whole := roles.get(f"lokr_w{number}")) is not None:
            return whole
        one, other = roles[f"lokr_w{number}_a"], roles[f"lokr_w{number}_b"]
        if (core := roles.get(f"lokr_t{number}")) is not None:
            return torch.einsum("mn...,mo,ni->oi...", core, one, other)
        return one @ other.flatten(1)

    return torch.kron(side(1).flatten(1).contiguous(), side(2).flatten(1).contiguous())


def _rescaled(roles: Roles, weight: torch.Tensor) -> torch.Tensor:
    """(IA)3 (Liu et al. 2022): each row of the weight, or each column, made larger or smaller."""
    along = [1] * weight.ndim
    along[1 if roles["on_input"].any() else 0] = -1
    return weight * roles["weight"].reshape(along)


def _kronecker_rank(roles: Roles) -> int | None:
    """Where both sides are whole there is none, and alpha says nothing."""
    return next((roles[name].shape[0] for name in ("lokr_w1_b", "lokr_w2_b") if name in roles), None)


#: The makes that are read. A difference is the trained weight less the old one; of a norm LyCORIS has another name.
MAKES = (
    Make(
        "LoRA",
        frozenset({"up", "down"}),
        frozenset({"mid", "up_bias"}),
        _low_rank,
        lambda roles: roles["down"].shape[0],
    ),
    Make(
        "LoHa",
        frozenset({"hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"}),
        frozenset({"hada_t1", "hada_t2"}),
        _hadamard,
        lambda roles: roles["hada_w1_b"].shape[0],
    ),
    Make(
        "LoKr",
        frozenset(),
        frozenset({f"lokr_{one}" for one in ("w1", "w1_a", "w1_b", "t1", "w2", "w2_a", "w2_b", "t2")}),
        _kronecker,
        _kronecker_rank,
    ),
    Make("(IA)3", frozenset({"weight", "on_input"}), frozenset(), _rescaled),
    Make("differences", frozenset({"diff"}), frozenset(), lambda roles, _: roles["diff"]),
    Make("norms", frozenset({"w_norm"}), frozenset(), lambda roles, _: roles["w_norm"]),
)

DIFFERENCE = next(make for make in MAKES if make.name == "differences")

#: What any make may hold besides: the scale, the lengths of DoRA in two layouts, and what is added to the bias.
LENGTHS = frozenset({"dora_scale", "magnitude"})
BESIDES = frozenset({"alpha", "diff_b", "b_norm"}) | LENGTHS
BIASES = ("diff_b", "b_norm", "up_bias")


@dataclass(frozen=True)
class Change:
    """What an adapter adds to one parameter: weighed by its `strength`, after `scale`, which is alpha / rank."""

    make: Make
    roles: Roles
    scale: float
    strength: float

    def on(self, parameter: torch.Tensor) -> torch.Tensor:
        """What is added to the `parameter` as it was in the model, in float32 and on its device."""
        weight = parameter.detach().float()
        roles = self._on(weight.device)
        delta = self.make.delta(roles, weight).reshape(weight.shape) * self.scale
        if roles.keys() & LENGTHS:
            delta = _redirected(weight + delta, roles) - weight
        return delta * self.strength

    def shape(self, parameter: torch.Tensor) -> tuple[int, ...]:
        """The shape of what its tensors give, of a convolution perhaps with all behind the first axis in one. Raises
        what torch does where they do not fit together. Nothing is worked out for it."""
        nowhere = torch.device("meta")
        return tuple(self.make.delta(self._on(nowhere), parameter.detach().to(nowhere, torch.float32)).shape)

    def _on(self, device: torch.device) -> Roles:
        """The tensors on that device; the word on (IA)3's axis is none of the numbers."""
        return {
            role: tensor if role == "on_input" else tensor.to(device, torch.float32)
            for role, tensor in self.roles.items()
        }


def _redirected(weight: torch.Tensor, roles: Roles) -> torch.Tensor:
    """DoRA (Liu et al. 2024): the changed weight in its direction alone, with lengths of its own. peft has a length for
    each output; LyCORIS had one for each input first, and tells them apart by the shape."""
    lengths = roles["magnitude"].flatten() if "magnitude" in roles else roles["dora_scale"]
    by_output = "magnitude" in roles or lengths.shape[0] == len(weight)
    kept = 0 if by_output else 1
    along = [-1 if axis == kept else 1 for axis in range(weight.ndim)]
    norms = weight.transpose(0, kept).flatten(1).norm(dim=1) + torch.finfo(torch.float32).eps
    factors: torch.Tensor = lengths.flatten() / norms
    return weight * factors.reshape(along)
