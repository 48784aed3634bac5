"""More families of transformers, each in a configuration as small as its class allows."""
import torch

from torch_networks import Named

# What makes a configuration small, under all the names that configurations have for it.
_SMALL = dict(hidden_size=48, d_model=48, n_embd=48, dim=48, embedding_size=48, word_embed_proj_dim=48, emb_dim=48,
              num_hidden_layers=2, n_layer=2, n_layers=2, num_layers=2, encoder_layers=2, decoder_layers=2, num_decoder_layers=2,
              num_attention_heads=4, n_head=4, n_heads=4, num_heads=4, encoder_attention_heads=4, decoder_attention_heads=4,
              num_key_value_heads=2, head_dim=12, intermediate_size=96, ffn_dim=96, encoder_ffn_dim=96, decoder_ffn_dim=96, hidden_dim=96,
              vocab_size=101, max_position_embeddings=64, n_positions=64, max_seq_len=64, n_ctx=64,
              bos_token_id=1, eos_token_id=2, pad_token_id=0, decoder_start_token_id=1, image_size=64, rotary_dim=4)
ENCODERS = """albert bert camembert convbert data2vec-text deberta deberta-v2 distilbert electra ernie fnet ibert layoutlm mobilebert
modernbert mpnet nystromformer rembert roberta roberta-prelayernorm roformer squeezebert xlm-roberta""".split()
DECODERS = """biogpt bloom codegen cohere falcon gemma gemma2 gemma3_text glm gpt2 gpt_bigcode gpt_neo gpt_neox gptj granite llama mistral
mixtral mpt olmo olmo2 opt phi phi3 qwen2 qwen2_moe qwen3 smollm3 stablelm starcoder2 mamba""".split()
SEQUENCES = "bart blenderbot-small m2m_100 marian mbart mt5 pegasus plbart t5".split()
IMAGES = """beit convnext convnextv2 data2vec-vision deit dinov2 dinov2_with_registers dpt efficientnet focalnet hiera levit mobilenet_v1
mobilenet_v2 mobilevit mobilevitv2 poolformer pvt pvt_v2 regnet resnet segformer siglip_vision_model swin swinv2 vit vit_mae vit_msn
yolos""".split()
SOUNDS = "hubert wav2vec2 wavlm data2vec-audio audio-spectrogram-transformer".split()
_EXTRA = {
    "swin": dict(embed_dim=24, depths=[1, 1], num_heads=[2, 4], window_size=4, patch_size=4),
    "swinv2": dict(embed_dim=24, depths=[1, 1], num_heads=[2, 4], window_size=4, patch_size=4),
    "segformer": dict(hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1], num_attention_heads=[1, 2, 3, 4]),
    "convnext": dict(hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1]),
    "convnextv2": dict(hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1]),
    "focalnet": dict(embed_dim=24, depths=[1, 1], focal_levels=[2, 2], focal_windows=[3, 3], hidden_sizes=[24, 48]),
    "resnet": dict(embedding_size=16, hidden_sizes=[16, 24], depths=[1, 1]),
    "regnet": dict(embedding_size=16, hidden_sizes=[16, 24], depths=[1, 1], groups_width=8),
    "poolformer": dict(hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1]),
    "pvt": dict(hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1], num_attention_heads=[1, 2, 3, 4], mlp_ratios=[2, 2, 2, 2]),
    "pvt_v2": dict(hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1], num_attention_heads=[1, 2, 3, 4], mlp_ratios=[2, 2, 2, 2]),
    "mobilevit": dict(hidden_sizes=[24, 32, 40], neck_hidden_sizes=[8, 16, 16, 24, 24, 32, 64]),
    "mobilevitv2": dict(width_multiplier=0.5), "mobilenet_v1": dict(depth_multiplier=0.25), "mobilenet_v2": dict(depth_multiplier=0.25),
    "efficientnet": dict(width_coefficient=0.25, depth_coefficient=0.3, hidden_dim=64),
    "levit": dict(image_size=64, hidden_sizes=[32, 48, 64], num_attention_heads=[2, 3, 4], key_dim=[8, 8, 8], depths=[1, 1, 1]),
    "hiera": dict(embed_dim=16, depths=[1, 1, 1, 1], num_heads=[1, 2, 4, 8], image_size=[64, 64]),
    "dpt": dict(hidden_size=48, neck_hidden_sizes=[8, 16, 24, 32], fusion_hidden_size=16, backbone_out_indices=[0, 1, 1, 1], patch_size=16),
    "audio-spectrogram-transformer": dict(num_mel_bins=32, max_length=64),
    "gemma2": dict(sliding_window=8), "gemma3_text": dict(sliding_window=8), "mistral": dict(sliding_window=8),
    "phi3": dict(sliding_window=None),
    "mobilebert": dict(hidden_size=48, intra_bottleneck_size=24, embedding_size=24, true_hidden_size=24),
    "squeezebert": dict(embedding_size=48), "gpt_neo": dict(attention_types=[[["global", "local"], 1]], window_size=8),
    "hubert": dict(conv_dim=[16] * 7, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4, do_stable_layer_norm=False),
    "wav2vec2": dict(conv_dim=[16] * 7, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4),
    "wavlm": dict(conv_dim=[16] * 7, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4),
    "data2vec-audio": dict(conv_dim=[16] * 7, num_conv_pos_embeddings=2, num_conv_pos_embedding_groups=4, conv_pos_kernel_size=5),
    "mt5": dict(d_kv=12, d_ff=96), "t5": dict(d_kv=12, d_ff=96, feed_forward_proj="relu"), "mixtral": dict(num_local_experts=4, experts_implementation="eager"),
    "qwen2_moe": dict(num_experts=4, moe_intermediate_size=32, shared_expert_intermediate_size=32),
    "falcon": dict(new_decoder_architecture=False),
    "codegen": dict(rotary_dim=8), "gptj": dict(rotary_dim=8), "glm": dict(head_dim=16, partial_rotary_factor=0.5),
    "fnet": dict(tpu_short_seq_length=16), "biogpt": dict(scale_embedding=True), "albert": dict(embedding_size=24),
}


def all_names() -> list:
    return ENCODERS + DECODERS + SEQUENCES + IMAGES + SOUNDS


def build(name: str):
    """The model and a function (batch, generator) -> arguments."""
    from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForSeq2SeqLM
    defaults = AutoConfig.for_model(name).to_dict()
    small = {k: v for k, v in {**_SMALL, **(_EXTRA.get(name, {}))}.items() if k in defaults or k in _EXTRA.get(name, {})}
    if name in IMAGES and not isinstance(defaults.get("hidden_size", 0), int):
        small.pop("hidden_size", None)
    config = AutoConfig.for_model(name, **small)
    kind = AutoModelForCausalLM if name in DECODERS else AutoModelForSeq2SeqLM if name in SEQUENCES else AutoModel
    model = kind.from_config(config)
    if name in IMAGES:
        size = getattr(config, "image_size", 64)
        size = size[0] if isinstance(size, (list, tuple)) else size
        return Named(model, ["pixel_values"], ["last_hidden_state"]), lambda b, g: (torch.randn(b, 3, size, size, generator=g),)
    if name == "audio-spectrogram-transformer":
        return Named(model, ["input_values"], ["last_hidden_state"]), lambda b, g: (torch.randn(b, 64, 32, generator=g),)
    if name in SOUNDS:
        return Named(model, ["input_values"], ["last_hidden_state"]), lambda b, g: (torch.randn(b, 4000, generator=g),)
    if name in SEQUENCES:
        return Named(model, ["input_ids", "decoder_input_ids"], ["logits"], use_cache=False), \
            lambda b, g: (torch.randint(3, 101, (b, 16), generator=g), torch.randint(3, 101, (b, 9), generator=g))
    if name in DECODERS:
        return Named(model, ["input_ids"], ["logits"], use_cache=False), lambda b, g: (torch.randint(3, 101, (b, 16), generator=g),)
    if name == "fnet":
        return Named(model, ["input_ids"], ["last_hidden_state"]), lambda b, g: (torch.randint(3, 101, (b, 16), generator=g),)
    return Named(model, ["input_ids", "attention_mask"], ["last_hidden_state"]), _padded


def _padded(batch, generator):
    ids = torch.randint(3, 101, (batch, 16), generator=generator)
    lengths = torch.randint(8, 17, (batch, 1), generator=generator)
    lengths[0] = 16
    return ids, (torch.arange(16)[None] < lengths).long()
