"""Small networks of the kinds that people bring, for the tests of ``lth.structure``."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F


class Residual(nn.Module):
    """Two blocks with BatchNorm, the second one with stride and a projection."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(2, 3, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(3)
        self.a = nn.Conv2d(3, 3, 3, padding=1, bias=False)
        self.bn_a = nn.BatchNorm2d(3)
        self.b = nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False)
        self.down = nn.Conv2d(3, 4, 1, stride=2, bias=False)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        x = F.relu(self.bn(self.stem(x)), inplace=True)
        x = x + F.relu(self.bn_a(self.a(x)))
        x = F.relu(self.b(x) + self.down(x))
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))


class DenseBlock(nn.Module):
    """Concatenation of all that came before."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(4, 2, 3, padding=1)
        self.head = nn.Linear(6, 2)

    def forward(self, x):
        x = torch.cat([x, F.relu(self.a(x))], 1)
        x = torch.cat([x, F.relu(self.b(x))], 1)
        return self.head(F.avg_pool2d(x, 4).view(len(x), -1))


class UNet(nn.Module):
    """Down, up by a transposed convolution, and across."""

    def __init__(self):
        super().__init__()
        self.down, self.deep = nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 3, 3, padding=1)
        self.up = nn.ConvTranspose2d(3, 2, 2, stride=2)
        self.out = nn.Conv2d(4, 2, 1)

    def forward(self, x):
        a = F.relu(self.down(x))
        b = self.up(F.relu(self.deep(F.max_pool2d(a, 2))))
        return self.out(torch.cat([a, b], 1))


class Upsampled(nn.Module):
    """Up by interpolation."""

    def __init__(self, mode):
        super().__init__()
        self.a, self.b, self.mode = nn.Conv2d(2, 2, 3, stride=2), nn.Conv2d(2, 2, 3), mode

    def forward(self, x):
        return self.b(F.interpolate(F.relu(self.a(x)), scale_factor=2, mode=self.mode))


class SqueezeExcite(nn.Module):
    """Channels gated by what all channels say."""

    def __init__(self):
        super().__init__()
        self.conv, self.a, self.b = nn.Conv2d(2, 4, 3), nn.Linear(4, 2), nn.Linear(2, 4)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        x = F.silu(self.conv(x))
        gate = torch.sigmoid(self.b(F.relu(self.a(x.mean((2, 3))))))
        return self.head((x * gate[:, :, None, None]).amax((2, 3)))


class Gated(nn.Module):
    """Halves that gate each other, and a highway."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(4, 6), nn.Linear(3, 6), nn.Linear(3, 2)

    def forward(self, x):
        one, two = self.a(x).chunk(2, -1)
        x = one * torch.tanh(two)
        x = F.glu(self.b(x)) + x
        return self.c(x)


class Functional(nn.Module):
    """Everything as functions, changed in place."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.randn(3, 1, 3, 3))
        self.v = nn.Parameter(torch.randn(2, 12))

    def forward(self, x):
        x = F.conv2d(x, self.w, stride=1, padding=1).relu_()
        y = F.max_pool2d(x, 3, 2, 1, ceil_mode=True)[:, :, :2, :2]
        x = y.clone()
        x += y
        x.mul_(0.5)
        return x.reshape(x.shape[0], -1) @ self.v.t()


class Attention(nn.Module):
    """Attention to what came before."""

    def __init__(self, causal):
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.causal = causal

    def forward(self, x):
        mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1) if self.causal else None
        return self.attention(x, x, x, attn_mask=mask, need_weights=False)[0]


class VisionTransformer(nn.Module):
    """Patches, a class token, a transformer block."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(1, 4, 2, stride=2)
        self.token = nn.Parameter(torch.randn(1, 1, 4))
        self.place = nn.Parameter(torch.randn(1, 5, 4))
        self.block = nn.TransformerEncoderLayer(4, 2, 6, 0.0, batch_first=True, norm_first=True)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.place
        return self.head(self.block(x)[:, 0])


class Words(nn.Module):
    """Embedding, mean, linear."""

    def __init__(self):
        super().__init__()
        self.table, self.head = nn.Embedding(5, 4), nn.Linear(4, 2)

    def forward(self, tokens):
        return self.head(self.table(tokens).mean(1))


class Recurrent(nn.Module):
    """A recurrent layer, of which the last output is used."""

    def __init__(self, kind, **options):
        super().__init__()
        self.rnn = kind(3, 2, batch_first=True, **options)
        self.head = nn.Linear(4 if options.get("bidirectional") else 2, 2)

    def forward(self, x):
        return self.head(self.rnn(x)[0][:, -1])


class Mixer(nn.Module):
    """Linear layers over tokens, and over features."""

    def __init__(self):
        super().__init__()
        self.tokens, self.features, self.head = nn.Linear(3, 3), nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x):
        x = x + F.gelu(self.tokens(x.transpose(1, 2))).transpose(1, 2)
        x = x + F.gelu(self.features(x))
        return self.head(x.mean(1))


class Shuffle(nn.Module):
    """Grouped convolutions with shuffled channels between them."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(4, 4, 3, groups=2), nn.Conv2d(4, 4, 2, groups=2)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        x = F.relu6(self.a(x))
        n, c, h, w = x.shape
        x = x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        return self.head(F.hardswish(self.b(x)).mean((-1, -2)))


class Tied(nn.Module):
    """One layer used three times."""

    def __init__(self):
        super().__init__()
        self.first, self.again, self.head = nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x):
        x = self.first(x)
        for _ in range(3):
            x = torch.tanh(self.again(x))
        return self.head(x)


class Inception(nn.Module):
    """Branches side by side."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, (1, 3), padding=(0, 1))
        self.c, self.head = nn.Conv2d(2, 1, 1), nn.Conv2d(5, 2, 4)

    def forward(self, x):
        pooled = F.avg_pool2d(x, 3, 1, 1)
        return self.head(torch.cat([self.a(x), self.b(x), self.c(pooled)], 1)).flatten(1)


class Normalised(nn.Module):
    """GroupNorm, InstanceNorm and LayerNorm over channels."""

    def __init__(self):
        super().__init__()
        self.a, self.group = nn.Conv2d(2, 4, 3, padding=1), nn.GroupNorm(2, 4)
        self.b, self.norm = nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.LayerNorm(4)
        self.each, self.c = nn.InstanceNorm2d(4, affine=True), nn.Linear(4, 2)

    def forward(self, x):
        x = self.each(self.group(self.a(x)))
        x = self.norm(self.b(x).permute(0, 2, 3, 1))
        return self.c(x).mean((1, 2))


class TwoInputs(nn.Module):
    """Two inputs of different kinds, two outputs."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 3), nn.Linear(2, 3)
        self.one, self.two = nn.Linear(3, 2), nn.Linear(6, 2)

    def forward(self, x, y):
        x, y = F.relu(self.a(x)), F.relu(self.b(y))
        return {"one": self.one(x), "two": self.two(torch.hstack([x, y]))}


class Sequence(nn.Module):
    """Dilated convolutions in one dimension, cut to the past."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv1d(2, 3, 2), nn.Conv1d(3, 3, 2, dilation=2)
        self.head = nn.Conv1d(3, 2, 1)

    def forward(self, x):
        x = F.elu(self.a(F.pad(x, (1, 0))))
        x = x + F.elu(self.b(F.pad(x, (2, 0))))
        return self.head(x)[..., -1]


def chain(*modules):
    """Modules one after the other."""
    return nn.Sequential(*modules)


ARCHITECTURES = {
    "mlp": (lambda: chain(*mlp(4, 5, 5, 2)), ((2, 4),)),
    "mlp on images": (lambda: chain(nn.Flatten(), *mlp(9, 4, 2)), ((1, 1, 3, 3),)),
    "lenet": (
        lambda: chain(
            *(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(3, 3, 2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), *mlp(3, 3, 2)),
        ),
        ((1, 2, 9, 9),),
    ),
    "strides and dilation": (
        lambda: chain(
            nn.Conv2d(2, 3, 3, 2, 1), nn.ReLU(), nn.Conv2d(3, 3, 2, dilation=2), nn.Flatten()
        ),
        ((1, 2, 7, 7),),
    ),
    "only padding": (
        lambda: chain(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.Conv2d(3, 2, 3, padding=1)),
        ((1, 2, 1, 2),),
    ),
    "separable": (
        lambda: chain(
            *(nn.Conv2d(2, 4, 1), nn.BatchNorm2d(4), nn.ReLU6()),
            *(nn.Conv2d(4, 4, 3, groups=4, padding=1), nn.BatchNorm2d(4), nn.ReLU6()),
            *(nn.Conv2d(4, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        ),
        ((1, 2, 4, 4),),
    ),
    "autoencoder": (
        lambda: chain(
            *(nn.Conv2d(1, 3, 3, stride=2), nn.ReLU(), nn.ConvTranspose2d(3, 2, 3, stride=2)),
            *(nn.ReLU(), nn.ConvTranspose2d(2, 2, 2, padding=1, groups=2)),
        ),
        ((1, 1, 5, 5),),
    ),
    "volumes": (
        lambda: chain(nn.Conv3d(1, 2, 2), nn.ReLU(), nn.MaxPool3d(2), nn.Flatten(), *mlp(2, 3, 2)),
        ((1, 1, 3, 3, 3),),
    ),
    "residual": (Residual, ((1, 2, 4, 4),)),
    "dense block": (DenseBlock, ((1, 2, 4, 4),)),
    "u-net": (UNet, ((1, 1, 4, 4),)),
    "nearest": (lambda: Upsampled("nearest"), ((1, 2, 5, 5),)),
    "bilinear": (lambda: Upsampled("bilinear"), ((1, 2, 5, 5),)),
    "squeeze and excite": (SqueezeExcite, ((1, 2, 4, 4),)),
    "gated": (Gated, ((2, 4),)),
    "functional, in place": (Functional, ((1, 1, 3, 3),)),
    "inception": (Inception, ((1, 2, 4, 4),)),
    "normalised": (Normalised, ((1, 2, 3, 3),)),
    "sequence": (Sequence, ((1, 2, 4),)),
    "shuffle": (Shuffle, ((1, 4, 4, 4),)),
    "tied": (Tied, ((2, 3),)),
    "mixer": (Mixer, ((1, 3, 4),)),
    "two inputs": (TwoInputs, ((2, 3), (2, 2))),
    "attention": (lambda: Attention(False), ((1, 3, 4),)),
    "causal attention": (lambda: Attention(True), ((1, 3, 4),)),
    "transformer block": (
        lambda: nn.TransformerEncoderLayer(4, 2, 5, batch_first=True),
        ((1, 3, 4),),
    ),
    "vision transformer": (VisionTransformer, ((1, 1, 4, 4),)),
    "words": (Words, "tokens"),
    "rnn": (lambda: Recurrent(nn.RNN), ((1, 3, 3),)),
    "lstm": (lambda: Recurrent(nn.LSTM), ((1, 3, 3),)),
    "gru, both ways": (lambda: Recurrent(nn.GRU, bidirectional=True), ((1, 3, 3),)),
    "lstm of two layers": (lambda: Recurrent(nn.LSTM, num_layers=2), ((1, 3, 3),)),
}
"""By name how to make the model, and the shapes of its inputs."""


def mlp(*widths):
    """Linear layers with ReLUs between them."""
    layers = []
    for i, o in pairwise(widths):
        layers += [nn.Linear(i, o), nn.ReLU()]
    return layers[:-1]


def made(name):
    """A model in evaluation mode, and an example as a tuple."""
    make, shapes = ARCHITECTURES[name]
    model = make().eval()
    if shapes == "tokens":
        return model, (torch.randint(0, 5, (2, 3)),)
    return model, tuple(torch.randn(shape) for shape in shapes)


def weights_of(model):
    """Names and values of what leads from unit to unit."""
    return {name: p for name, p in model.named_parameters() if is_weight(name, p)}


def is_weight(name, p):
    """Whether a parameter joins units; a class token or a table of places is a bias."""
    return p.ndim > 1 and name not in ("token", "place")


def pruned(model, rng, share):
    """Zeros at random places of the weights, and now and then of the scales; in place."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            if is_weight(name, p):
                p.copy_(torch.rand(p.shape, generator=rng) + 0.5)
                p.mul_(torch.rand(p.shape, generator=rng) > share)
            elif name.endswith(("bn.weight", "norm.weight", "norm1.weight")):
                p.mul_(torch.rand(p.shape, generator=rng) > share / 4)
    return model
