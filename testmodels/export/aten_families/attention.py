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
