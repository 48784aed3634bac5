"""Scaled dot-product attention."""
import torch
from aten_cases import param, rand, randint, tensor

HALF = torch.float16
SDPA = "scaled_dot_product_attention"


def cases(case):
    def qkv(*lead, t=3, s=5, e=4, v=None, dtype=torch.float32):
        return rand(*lead, t, e, dtype=dtype), rand(*lead, s, e, dtype=dtype), rand(*lead, s, v or e, dtype=dtype)

    for lead in ((2, 3), (2,), (), (2, 1, 3)):
        case(SDPA, *qkv(*lead))
    case(SDPA, *qkv(2, 3, v=6))
    case(SDPA, *qkv(2, 3), scale=0.3)
    case(SDPA, *qkv(2, 3), None, 0.0, True)
    case(SDPA, *qkv(2, 3, t=5, s=3), None, 0.0, True)
    case(SDPA, *qkv(1, 2, t=4, s=4), None, 0.0, True)
    case(SDPA, *qkv(2, 3, dtype=HALF))
    case(SDPA, *qkv(2, 3), rand(3, 5))
    case(SDPA, *qkv(2, 3), rand(2, 1, 1, 5))
    case(SDPA, *qkv(2, 3), rand(2, 3, 3, 5))
    case(SDPA, *qkv(2, 3, dtype=HALF), rand(3, 5, dtype=HALF))
    case(SDPA, *qkv(2, 3), rand(3, 5) > 0)
    case(SDPA, *qkv(2, 3), rand(2, 1, 1, 5) > 0)
    none = torch.ones(2, 1, 3, 5, dtype=torch.bool)
    none[0, 0, 1] = False
    case(SDPA, *qkv(2, 3), none, _note="a row of which nothing takes part")
    case(SDPA, *qkv(2, 3), torch.where(none, 0.5, -float("inf")))
    q, k, v = rand(2, 6, 3, 4), rand(2, 2, 5, 4), rand(2, 2, 5, 4)
    case(SDPA, q, k, v, enable_gqa=True)
    case(SDPA, q, k, v, None, 0.0, True, enable_gqa=True)
    case(SDPA, q, k[:, :1], v[:, :1], enable_gqa=True)
    case(SDPA, *qkv(2, 3), enable_gqa=True)
    case(SDPA, *qkv(1, 2), None, 0.5, _refused="random")
    case("_scaled_dot_product_attention_math", *qkv(2, 3), rand(3, 5))
    case("_scaled_dot_product_attention_math", *qkv(2, 3), None, 0.0, True)
    case("_scaled_dot_product_flash_attention_for_cpu", *qkv(2, 3), _outputs=1)
    case("_scaled_dot_product_flash_attention_for_cpu", *qkv(2, 3), 0.0, True, scale=0.5, _outputs=1)
    case("_scaled_dot_product_flash_attention_for_cpu", *qkv(2, 3), attn_mask=rand(2, 1, 3, 5), _outputs=1)
    fused(case)


def fused(case):
    d, h = 8, 2
    w = [param(rand(3 * d, d) * 0.4), param(rand(3 * d)), param(rand(d, d) * 0.4), param(rand(d))]
    mha = "_native_multi_head_attention"
    causal = torch.ones(3, 3).triu(1).bool()
    padding = tensor([[False, False, True], [False, True, True]])
    x = rand(2, 3, d)
    for weights, average in ((True, True), (True, False), (False, True)):
        case(mha, x, x, x, d, h, *w, None, weights, average)
    case(mha, x, rand(2, 3, d), x, d, h, *w)
    for mask, kind in ((causal, 0), (padding, 1), (causal.expand(2, h, 3, 3), 2), (torch.where(causal, -float("inf"), 0.0), 0)):
        case(mha, x, x, x, d, h, *w, mask, True, True, kind)
    case("_masked_softmax", rand(2, h, 3, 3), padding, 3, 1)
    case("_masked_softmax", rand(2, h, 3, 3), causal, 3, 0)
    case("_masked_softmax", rand(2, h, 3, 3), causal.expand(2, h, 3, 3), 3, 2)
    rest = [param(v) for v in (rand(d), rand(d), rand(d), rand(d), rand(12, d) * 0.4, rand(12), rand(d, 12) * 0.4, rand(d))]
    for gelu, first in ((False, False), (True, True), (False, True)):
        case("_transformer_encoder_layer_fwd", x, d, h, *w, gelu, first, 1e-5, *rest)
    case("_transformer_encoder_layer_fwd", x, d, h, *w, False, False, 1e-5, *rest, padding, 1)
    case("_transformer_encoder_layer_fwd", x, d, h, *w, False, False, 1e-5, *rest, causal, 0)
