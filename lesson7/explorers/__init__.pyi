from .mixup import MixupExplorer as MixupExplorer
from .normalize import NormalizeExplorer as NormalizeExplorer
from .resize import ResizeExplorer as ResizeExplorer
from .smoothing import SmoothingExplorer as SmoothingExplorer
from .steps import Step as Step
from .train import TrainExplorer as TrainExplorer
from .tta import TTAExplorer as TTAExplorer
