"""The architectures of the zoo: of torchvision, of timm (at least one of each family), and of transformers in small configurations."""
from dataclasses import dataclass

try:
    import tvshim  # noqa: F401  only needed where torchvision was built for CUDA and torch was not
except ImportError:
    pass

import torch
import torchvision

import more_transformers
import torch_networks
import vision_ops

LARGEST_IMAGE = 224
TORCHVISION = """
alexnet convnext_tiny densenet121 densenet169 efficientnet_b0 efficientnet_b1 efficientnet_v2_s googlenet inception_v3 maxvit_t mnasnet0_5
mnasnet0_75 mnasnet1_0 mobilenet_v2 mobilenet_v3_small mobilenet_v3_large regnet_x_400mf regnet_x_800mf regnet_y_400mf regnet_y_800mf
resnet18 resnet34 resnet50 resnext50_32x4d shufflenet_v2_x0_5 shufflenet_v2_x1_0 shufflenet_v2_x1_5 squeezenet1_0 squeezenet1_1 swin_t
swin_v2_t vgg11 vgg11_bn vit_b_32 wide_resnet50_2
segmentation.deeplabv3_mobilenet_v3_large segmentation.deeplabv3_resnet50 segmentation.fcn_resnet50
segmentation.lraspp_mobilenet_v3_large
video.r3d_18 video.mc3_18 video.r2plus1d_18 video.s3d video.mvit_v1_b video.mvit_v2_s video.swin3d_t
optical_flow.raft_small
detection.fasterrcnn_mobilenet_v3_large_320_fpn detection.fcos_resnet50_fpn detection.keypointrcnn_resnet50_fpn
detection.maskrcnn_resnet50_fpn detection.retinanet_resnet50_fpn detection.ssd300_vgg16 detection.ssdlite320_mobilenet_v3_large
""".split()

# By family, a family being a module of timm.models or a line of architectures within one. Each the smallest, or nearly.
TIMM = """
beit:beit_base_patch16_224 beitv2:beitv2_base_patch16_224 botnet:botnet26t_256 eca_halonext:eca_halonext26ts halonet:halonet26t
lambda_resnet:lambda_resnet26t lamhalobotnet:lamhalobotnet50ts_256 sebotnet:sebotnet33ts_256 haloregnetz:haloregnetz_b
bat_resnext:bat_resnext26ts eca_resnext:eca_resnext26ts gcresnext:gcresnext26ts gernet:gernet_s mobileone:mobileone_s0
regnetz_b:regnetz_b16 repvgg:repvgg_a0 resnext_ts:resnext26ts seresnext_ts:seresnext26ts cait:cait_xxs24_224 coat:coat_tiny
coat_lite:coat_lite_tiny convit:convit_tiny convmixer:convmixer_1024_20_ks9_p14 convnext:convnext_atto convnext_rms:convnext_zepto_rms
convnextv2:convnextv2_atto cpubone:cpubone_nano crossvit:crossvit_tiny_240 csatv2:csatv2 cs3darknet:cs3darknet_s cspresnet:cspresnet50
darknet:darknet17 sedarknet:sedarknet21 davit:davit_tiny deit:deit_tiny_patch16_224 deit_distilled:deit_tiny_distilled_patch16_224
deit3:deit3_small_patch16_224 densenet:densenet121 densenetblur:densenetblur121d dla:dla46x_c dpn:dpn48b edgenext:edgenext_xx_small
efficientformer:efficientformer_l1 efficientformerv2:efficientformerv2_s0 efficientnet:efficientnet_b0 efficientnet_es:efficientnet_es
efficientnet_lite:efficientnet_lite0 efficientnet_cc:efficientnet_cc_b0_4e efficientnetv2:efficientnetv2_rw_t fbnetc:fbnetc_100
gc_efficientnetv2:gc_efficientnetv2_rw_t mixnet:mixnet_s mnasnet:mnasnet_small mobilenetv1:mobilenetv1_100 mobilenetv2:mobilenetv2_035
mobilenet_edgetpu:mobilenet_edgetpu_100 semnasnet:semnasnet_050 spnasnet:spnasnet_100 tf_efficientnet:tf_efficientnet_b0
tf_efficientnetv2:tf_efficientnetv2_b0 tf_mixnet:tf_mixnet_s tinynet:tinynet_e efficientvit_mit:efficientvit_b0
efficientvit_msra:efficientvit_m0 eva02:eva02_tiny_patch14_224 vit_rope:vit_small_patch16_rope_224 vit_pe:vit_pe_core_tiny_patch16_384
fasternet:fasternet_t0 fastvit:fastvit_t8 focalnet:focalnet_tiny_srf gcvit:gcvit_xxtiny ghostnet:ghostnet_050 ghostnetv2:ghostnetv2_100
ghostnetv3:ghostnetv3_050 hardcorenas:hardcorenas_a hgnet:hgnet_tiny hgnetv2:hgnetv2_b0 hiera:hiera_tiny_224 hieradet:hieradet_small
sam2_hiera:sam2_hiera_tiny hrnet:hrnet_w18_small inception_next:inception_next_atto inception_resnet_v2:inception_resnet_v2
inception_v3:inception_v3 inception_v4:inception_v4 lcnetv2:lcnetv2_small levit:levit_128s levit_conv:levit_conv_128s
lowformer:lowformer_b0 mambaout:mambaout_femto coatnet:coatnet_pico_rw_224 coatnext:coatnext_nano_rw_224 maxvit:maxvit_pico_rw_256
maxvit_rmlp:maxvit_rmlp_pico_rw_256 maxxvit:maxxvit_rmlp_nano_rw_256 caformer:caformer_s18 convformer:convformer_s18
poolformer:poolformer_s12 poolformerv2:poolformerv2_s12 gmixer:gmixer_12_224 gmlp:gmlp_ti16_224 mixer:mixer_s32_224 resmlp:resmlp_12_224
fbnetv3:fbnetv3_b lcnet:lcnet_035 mobilenetv3:mobilenetv3_small_050 mobilenetv4:mobilenetv4_conv_small_035
mobilenetv4_hybrid:mobilenetv4_hybrid_medium tf_mobilenetv3:tf_mobilenetv3_small_minimal_100 mobilenetv5:mobilenetv5_base
mobilevit:mobilevit_xxs mobilevitv2:mobilevitv2_050 mvitv2:mvitv2_tiny naflexvit:naflexvit_base_patch16_gap nasnet:nasnetalarge
nest:nest_tiny nextvit:nextvit_small nf_regnet:nf_regnet_b0 nfnet:nfnet_l0 eca_nfnet:eca_nfnet_l0 nf_resnet:nf_resnet26
nf_seresnet:nf_seresnet26 nf_ecaresnet:nf_ecaresnet26 dm_nfnet:dm_nfnet_f0 pit:pit_ti_224 pit_distilled:pit_ti_distilled_224
pnasnet:pnasnet5large pvt_v2:pvt_v2_b0 rdnet:rdnet_tiny regnetx:regnetx_002 regnety:regnety_002 regnetv:regnetv_040 regnetz:regnetz_005
repghostnet:repghostnet_050 repvit:repvit_m0_9 res2net:res2net50_14w_8s res2next:res2next50 resnest:resnest14d resnet:resnet10t
resnetaa:resnetaa34d resnetblur:resnetblur18 resnetrs:resnetrs50 resnext:resnext50_32x4d ecaresnet:ecaresnet26t seresnet:seresnet18
seresnext:seresnext26d_32x4d wide_resnet:wide_resnet50_2 resnetv2:resnetv2_18 rexnet:rexnet_100 rexnetr:rexnetr_100 selecsls:selecsls42
legacy_seresnet:legacy_seresnet18 legacy_seresnext:legacy_seresnext26_32x4d sequencer:sequencer2d_s shvit:shvit_s1 skresnet:skresnet18
skresnext:skresnext50_32x4d starnet:starnet_s050 swiftformer:swiftformer_xs swin:swin_tiny_patch4_window7_224 swin_s3:swin_s3_tiny_224
swinv2:swinv2_tiny_window8_256 swinv2_cr:swinv2_cr_tiny_ns_224 tiny_vit:tiny_vit_5m_224 tnt:tnt_s_patch16_224 tresnet:tresnet_m
twins_pcpvt:twins_pcpvt_small twins_svt:twins_svt_small vgg:vgg11 vgg_bn:vgg11_bn visformer:visformer_tiny vit:vit_tiny_patch16_224
flexivit:flexivit_small vit_pwee:vit_pwee_patch16_reg1_gap_256 vit_dwee:vit_dwee_patch16_reg1_gap_256
vit_xsmall:vit_xsmall_patch16_clip_224 vit_hybrid:vit_tiny_r_s16_p8_224 vit_relpos:vit_relpos_small_patch16_224
vit_srelpos:vit_srelpos_small_patch16_224 samvit:samvit_base_patch16_224 vitamin:vitamin_small_224 volo:volo_d1_224
ese_vovnet:ese_vovnet19b_slim_dw vovnet:vovnet39a legacy_xception:legacy_xception xception:xception41 xcit:xcit_nano_12_p16_224
gemma4_vit:gemma4_vit_167m_enc
"""


@dataclass(frozen=True)
class Architecture:
    name: str       # of a folder: timm.resnet10t
    library: str
    family: str
    source: str     # the name within the library


def all_architectures() -> list:
    found = [Architecture(f"tv.{s.split('.')[-1]}", "torchvision", s.split(".")[0] if "." in s else "classification", s)
             for s in TORCHVISION]
    for entry in TIMM.split():
        family, source = entry.split(":")
        found.append(Architecture(f"timm.{source}", "timm", family, source))
    found += [Architecture(f"hf.{n}", "transformers", n, n) for n in TRANSFORMERS]
    found += [Architecture(f"more.{n}", "more transformers", n, n) for n in more_transformers.all_names()]
    return found


# ---- how each is built: a module, and arguments for a batch size ---------------------------------------------------

def build(a: Architecture):
    """The module and a function (batch, generator) -> arguments."""
    if a.library == "timm":
        return _timm(a.source)
    if a.library == "transformers":
        return getattr(torch_networks, a.source)(), TRANSFORMERS[a.source]
    if a.library == "more transformers":
        return more_transformers.build(a.source)
    return _torchvision(a.source)


def _images(size, channels=3):
    height, width = (size, size) if isinstance(size, int) else size
    return lambda batch, generator: (torch.randn(batch, channels, height, width, generator=generator),)


def _timm(name):
    import timm
    model = timm.create_model(name)
    if "gemma4_vit" in name:
        raise NotImplementedError("wants patches, not an image")
    height = model.default_cfg["input_size"][-1]
    if height > LARGEST_IMAGE:
        try:
            smaller = timm.create_model(name, img_size=LARGEST_IMAGE)
        except Exception:
            smaller = model
        if _runs(smaller, LARGEST_IMAGE):
            return smaller, _images(LARGEST_IMAGE)
    return model, _images(height)


def _runs(model, size) -> bool:
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(1, 3, size, size))
        return True
    except Exception:
        return False


class Heads(torch.nn.Module):
    """A detection model up to what its heads say of each anchor. torch.export cannot follow the rest: how many boxes there are is not
    known before it runs."""

    def __init__(self, model):
        super().__init__()
        self.backbone, self.head = model.backbone, model.head

    def forward(self, images):
        features = list(self.backbone(images).values())
        return self.head(features)


class RegionHeads(torch.nn.Module):
    """A region-based detection model: what the proposal network says, and what the other heads say of the boxes that are given."""

    def __init__(self, model):
        super().__init__()
        self.backbone, self.proposals, self.heads = model.backbone, model.rpn.head, model.roi_heads

    def forward(self, images, boxes):
        features = self.backbone(images)
        said = [self.proposals(list(features.values()))]
        rois = torch.cat([torch.zeros_like(boxes[:, :1]), boxes], 1)  # all in the first image
        level = features["0"]

        def pooled(size):
            return torchvision.ops.roi_align(level, rois, size, spatial_scale=level.shape[-1] / images.shape[-1], sampling_ratio=2)

        said.append(self.heads.box_predictor(self.heads.box_head(pooled(7))))
        if self.heads.has_mask():
            said.append(self.heads.mask_predictor(self.heads.mask_head(pooled(14))))
        if self.heads.has_keypoint():
            said.append(self.heads.keypoint_predictor(self.heads.keypoint_head(pooled(14))))
        return said


def _boxes(batch, generator):
    corners = torch.rand(5, 2, generator=generator) * 60
    ends = corners + 20 + 30 * torch.rand(5, 2, generator=generator)
    return torch.randn(batch, 3, 96, 128, generator=generator), torch.cat([corners, ends], 1)


class Flow(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, first, second):
        return self.model(first, second, num_flow_updates=3)[-1]


def _torchvision(name):
    module, _, leaf = name.rpartition(".")
    if module == "segmentation":
        return getattr(torchvision.models.segmentation, leaf)(weights=None, weights_backbone=None), _images(128)
    if module == "video":
        frames, size = (16, 224) if "mvit" in leaf else (14, 224) if leaf == "s3d" else (8, 112)
        return getattr(torchvision.models.video, leaf)(weights=None), \
            lambda batch, generator: (torch.randn(batch, 3, frames, size, size, generator=generator),)
    if module == "optical_flow":
        return Flow(torchvision.models.optical_flow.raft_small(weights=None)), \
            lambda batch, generator: tuple(torch.randn(batch, 3, 128, 136, generator=generator) for _ in range(2))
    if module == "detection":
        vision_ops.register()
        model = getattr(torchvision.models.detection, leaf)(weights=None, weights_backbone=None)
        if "rcnn" in leaf:
            return RegionHeads(model), _boxes
        return Heads(model), _images(300 if leaf == "ssd300_vgg16" else 320 if "ssdlite" in leaf else 128)
    size = 299 if name == "inception_v3" else LARGEST_IMAGE
    extra = {"init_weights": False, "aux_logits": False} if name in ("googlenet", "inception_v3") else {}
    return getattr(torchvision.models, name)(weights=None, **extra), _images(size)


# ---- transformers, small: the networks are in export/torch_networks.py ----------------------------------------------

def _integers(low, high, *shapes):
    return lambda batch, generator: tuple(torch.randint(low, high, (batch, n), generator=generator) for n in shapes)


def _padded(high, length):
    def arguments(batch, generator):
        ids = torch.randint(0, high, (batch, length), generator=generator)
        lengths = torch.randint(length // 2, length + 1, (batch, 1), generator=generator)
        lengths[0] = length
        return ids, (torch.arange(length)[None] < lengths).long()
    return arguments


def _captioned(batch, generator):
    ids = torch.randint(1, 95, (batch, 12), generator=generator)
    ids[:, -1] = 96
    return ids, torch.randn(batch, 3, 32, 32, generator=generator)


def _spoken(batch, generator):
    return torch.randn(batch, 20, 100, generator=generator), torch.randint(3, 97, (batch, 9), generator=generator)


TRANSFORMERS = {"bert": _padded(101, 19), "gpt2": _integers(0, 97, 21), "llama": _padded(97, 21), "t5": _integers(0, 97, 17, 9),
                "clip": _captioned, "whisper": _spoken, "vit": _images(48)}
