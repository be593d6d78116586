__version__: str

# Data
from .data.examples import small_examples as small_examples
from .data.files import clear_pixels as clear_pixels
from .data.files import open_image as open_image
from .data.folders import dataset_files as dataset_files
from .data.loaders import get_dls as get_dls
from .data.loaders import mislabel as mislabel
from .data.presets import Preset as Preset
from .data.presets import here as here
from .data.report import dataset_report as dataset_report
from .data.samples import cifar10 as cifar10
from .data.samples import imagenette as imagenette
from .data.samples import photos as photos
from .data.samples import sample_dataset as sample_dataset

# The chapters' arithmetic; `tta` and `normalize` are the modules, which hold functions of that name
from . import measure as measure
from . import mixup as mixup
from . import normalize as normalize
from . import resize as resize
from . import smoothing as smoothing
from . import tta as tta
from .measure import Difference as Difference
from .measure import Scores as Scores
from .measure import ece as ece
from .measure import fit_temperature as fit_temperature
from .measure import paired_difference as paired_difference
from .measure import reliability as reliability
from .measure import scores as scores
from .mixup import beta_density as beta_density
from .mixup import mix as mix
from .mixup import mix_batch as mix_batch
from .mixup import one_hot as one_hot
from .mixup import sample_lambda as sample_lambda
from .normalize import NormStats as NormStats
from .normalize import batch_stats as batch_stats
from .normalize import dataset_stats as dataset_stats
from .normalize import denormalize as denormalize
from .resize import Stage as Stage
from .resize import downsize as downsize
from .resize import fit_progressive as fit_progressive
from .resize import relative_cost as relative_cost
from .smoothing import smooth_labels as smooth_labels
from .smoothing import smoothed_cross_entropy as smoothed_cross_entropy
from .tta import combine as combine
from .tta import windows as windows

# Training
from .models import architecture as architecture
from .models import architectures as architectures
from .recipe import TECHNIQUES as TECHNIQUES
from .recipe import choose as choose
from .recipe import techniques as techniques
from .training.callbacks import ActivationMixup as ActivationMixup
from .training.comparison import Comparison as Comparison
from .training.comparison import compare as compare
from .training.comparison import plot_comparison as plot_comparison
from .training.config import Recipe as Recipe
from .training.config import cost as cost
from .training.config import matched as matched
from .training.config import total_epochs as total_epochs
from .training.loop import Result as Result
from .training.loop import evaluate as evaluate
from .training.loop import train as train
from .training.small import train_small as train_small

# Sharing
from .inference import Prediction as Prediction
from .inference import predict as predict
from .share import NormReport as NormReport
from .share import check_normalization as check_normalization
from .share import export_onnx as export_onnx
from .share import load_model as load_model
from .share import save_model as save_model

# Explorers and the workbench
from .explorers.mixup import MixupExplorer as MixupExplorer
from .explorers.normalize import NormalizeExplorer as NormalizeExplorer
from .explorers.resize import ResizeExplorer as ResizeExplorer
from .explorers.smoothing import SmoothingExplorer as SmoothingExplorer
from .explorers.train import TrainExplorer as TrainExplorer
from .explorers.tta import TTAExplorer as TTAExplorer
from .workbench import Workbench as Workbench
