"""What a cold start pays for imports: the app in a fresh process, beside the least an app of its kind needs.

CPU time of whole processes, a bare interpreter's taken off; they alternate, so that a busy machine hits all alike.
"""

import os
import resource
import statistics
import subprocess
import sys

from bench.figures import Figure, Progress
from local import aws
from local.stage import REPOSITORY

_PROGRAMS = {
    "interpreter": "pass",
    "baseline": """
import boto3, chalice.app, pydantic
class Order(pydantic.BaseModel):
    amount_minor: int
boto3.client("dynamodb")
""",
    "app": "import app",
    "app and client": "import app; from chalicelib.ledger.dynamodb import dynamodb_client; dynamodb_client()",
}


def measure(rounds: int, tell: Progress) -> list[Figure]:
    """The app's import beside the baseline's: medians of so many rounds, after one that warms the disk."""
    seconds: dict[str, list[float]] = {name: [] for name in _PROGRAMS}
    for number in range(rounds + 1):
        tell(f"cold start: round {number} of {rounds}")
        for name, program in _PROGRAMS.items():
            taken = _cpu_seconds(program)
            if number:
                seconds[name].append(taken)
    bare = statistics.median(seconds["interpreter"])
    spent = {name: statistics.median(taken) - bare for name, taken in seconds.items()}
    note = f"{spent['app']:.3f} s of CPU, baseline {spent['baseline']:.3f} s"
    return [
        Figure("cold import: app / (chalice, a model, a client)", spent["app"] / spent["baseline"], 1.2, note=note),
        Figure("cold import: the same, app with its client made", spent["app and client"] / spent["baseline"]),
    ]


def _cpu_seconds(program: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = aws.environment("http://127.0.0.1:1") | {"PATH": os.environ["PATH"]}
    subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, env=environment, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
