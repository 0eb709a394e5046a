"""What starts scheduled work and where it waits, on the packaged template: no engine on a laptop shows any of this."""

import json
import re
from typing import Any

import pytest
from chalice.app import CloudWatchEvent

from chalicelib.setting_groups import SweepSettings
from local.stage import REPOSITORY, Stage
from tests.infra.conftest import Package
from tests.infra.test_package import SECONDS, STARTS

RECEIVES_AT_LEAST = 3
"""A worker that dies once or twice is bad luck."""
DAYS = 24 * 60 * 60


def _queue(package: Package) -> dict[str, Any]:
    return package.properties("SweepsQueue")


def test_the_queue_is_the_one_the_settings_name(package: Package) -> None:
    stage = Stage(package.stage)

    assert stage.resolve(_queue(package)["QueueName"]) == stage.environment()["PAYDESK_TABLE_PREFIX"] + "sweeps"


def test_nobody_else_is_given_a_message_while_a_worker_may_still_be_at_it(package: Package) -> None:
    """AWS asks for six times the function's time: throttled attempts to start it count as well."""
    assert _queue(package)["VisibilityTimeout"] >= 6 * package.properties("Work")["Timeout"] == 6 * SECONDS["Work"]


def test_what_fails_again_and_again_goes_to_the_dead_letters_and_somebody_is_told(package: Package) -> None:
    redrive = _queue(package)["RedrivePolicy"]
    alarm = package.properties("SweepsDeadLettersAlarm")

    assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": ["SweepsDeadLetters", "Arn"]}
    assert redrive["maxReceiveCount"] >= RECEIVES_AT_LEAST
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/SQS", "ApproximateNumberOfMessagesVisible")
    (dimension,) = alarm["Dimensions"]
    assert dimension == {"Name": "QueueName", "Value": {"Fn::GetAtt": ["SweepsDeadLetters", "QueueName"]}}
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")


def test_whatever_is_logged_as_an_error_rings(package: Package) -> None:
    filters = [found["Properties"] for found in package.of_kind("AWS::Logs::MetricFilter").values()]
    alarm = package.properties("ErrorsLoggedAlarm")
    watched = [package.properties(found["LogGroupName"]["Ref"])["LogGroupName"]["Fn::Sub"] for found in filters]

    assert sorted(watched) == [f"/aws/lambda/${{{name}}}" for name in ("APIHandler", "Authorize", "Work")]
    for found in filters:
        (metric,) = found["MetricTransformations"]
        assert found["FilterPattern"] == '{ $.level = "ERROR" }'
        assert (metric["MetricNamespace"], metric["MetricName"]) == (alarm["Namespace"], alarm["MetricName"])
    assert (alarm["Statistic"], alarm["Threshold"], alarm["ComparisonOperator"]) == ("Sum", 0, "GreaterThanThreshold")


def test_no_function_fails_unheard(package: Package) -> None:
    """What the API and work meet with they log, and messages that work cannot handle end with the dead letters. The
    others have nobody behind them: a schedule that cannot send its orders is a day without charges.
    """
    metrics = [found["MetricStat"]["Metric"] for found in package.properties("FunctionsFailedAlarm")["Metrics"][1:]]
    assert {(metric["Namespace"], metric["MetricName"]) for metric in metrics} == {("AWS/Lambda", "Errors")}
    watched = [dimension["Value"]["Ref"] for metric in metrics for dimension in metric["Dimensions"]]
    assert sorted([*watched, "APIHandler", "Work"]) == sorted(package.of_kind("AWS::Serverless::Function"))


def test_every_alarm_goes_to_the_topic_named_at_deployment(package: Package) -> None:
    topic = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}

    for name, alarm in package.of_kind("AWS::CloudWatch::Alarm").items():
        assert alarm["Properties"]["AlarmActions"] == topic, name


def test_dead_letters_are_kept_longer_than_they_may_have_waited_before(package: Package) -> None:
    """SQS counts their age from the day they were first sent."""
    dead = package.properties("SweepsDeadLetters")

    assert dead["MessageRetentionPeriod"] == 14 * DAYS
    assert _queue(package)["MessageRetentionPeriod"] <= 4 * DAYS


def test_what_waits_is_encrypted(package: Package) -> None:
    queues = package.of_kind("AWS::SQS::Queue")

    assert len(queues) == 2
    assert all(queue["Properties"]["SqsManagedSseEnabled"] is True for queue in queues.values())


def test_a_worker_takes_one_message_at_a_time_and_no_more_workers_run_than_the_settings_say(package: Package) -> None:
    (event,) = package.properties("Work")["Events"].values()

    assert event["Type"] == "SQS"
    assert event["Properties"]["BatchSize"] == 1
    concurrency = int(Stage(package.stage).environment()["PAYDESK_SWEEP_CONCURRENCY"])
    assert event["Properties"]["ScalingConfig"] == {"MaximumConcurrency": concurrency}


def test_the_worker_waits_for_the_queue_it_is_fed_from(package: Package) -> None:
    """Chalice names the queue by its ARN, so CloudFormation cannot see that it has to be there first."""
    assert "SweepsQueue" in package.resources["Work"]["DependsOn"]


@pytest.mark.parametrize("function", STARTS)
def test_each_schedule_is_the_settings(package: Package, function: str) -> None:
    stated = Stage(package.stage).environment()
    sweep = function.removeprefix("Start").lower()
    (event,) = package.properties(function)["Events"].values()

    assert event["Type"] == "Schedule"
    assert event["Properties"]["Schedule"] == stated[f"PAYDESK_SWEEP_SCHEDULE_{sweep.upper()}"]
    assert f"schedule_{sweep}" in SweepSettings.model_fields


def test_who_is_woken_is_told_names_that_the_template_has_and_an_event_that_a_schedule_takes(package: Package) -> None:
    by_hand = (REPOSITORY / "docs" / "architecture.md").read_text().partition("### By hand")[2]
    named = {*re.findall(r"name_of (\w+)", by_hand), *re.findall(r"`(Start\w+|APIHandler|Authorize|Work)`", by_hand)}
    (event,) = re.findall(r"<<'END'\n(.*?)\nEND", by_hand, re.DOTALL)

    assert set(STARTS) < named <= package.resources.keys()
    CloudWatchEvent(json.loads(event), None)  # refuses one that lacks a field
