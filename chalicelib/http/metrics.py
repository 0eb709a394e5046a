"""Counting requests, in CloudWatch's embedded metric format: a line on standard output, no call to AWS."""

from aws_lambda_powertools.metrics import MetricUnit, single_metric


def count_request(status: int) -> None:
    """Adds one to Paydesk / Requests of that class of status (2xx, 4xx, 5xx)."""
    with single_metric(name="Requests", unit=MetricUnit.Count, value=1, namespace="Paydesk") as metric:
        metric.add_dimension(name="status", value=f"{status // 100}xx")
