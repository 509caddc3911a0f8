"""Trust, but verify: gradients against finite differences."""

from minigrad.checks.anomaly import detect_anomaly as detect_anomaly
from minigrad.checks.explain import GradientExplanation as GradientExplanation
from minigrad.checks.explain import explain_grad as explain_grad
from minigrad.checks.gradients import check_gradients as check_gradients
from minigrad.checks.laws import check_op as check_op
from minigrad.checks.report import GradientReport as GradientReport
