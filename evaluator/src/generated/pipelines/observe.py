"""Says what the alarms of cells say and how much they served, and when a window is open. Decides nothing."""

import datetime as dt
import os
from concurrent.futures import ThreadPoolExecutor
from zoneinfo import ZoneInfo

import boto3

DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
PARTITION = os.environ["PARTITION"]
ROLE = os.environ["ROLE"]


def handler(event, _context):
    now = dt.datetime.now(dt.timezone.utc)
    at = int(now.timestamp() * 1000)
    cells = event["cells"][: event["count"]]
    # Alarms count in every cell that has the release, requests in those of the wave.
    counted = [at >= event.get("first", 0) for at in range(len(cells))]
    with ThreadPoolExecutor(16) as pool:
        seen = list(pool.map(lambda cell, counts: look(event, cell, now, counts), cells, counted))
    return {
        "at": at,
        "opens": opens(event.get("window"), at),
        "requests": sum(requests for _, requests in seen),
        "alarm": first(seen, "ALARM"),
        "no_data": first(seen, "INSUFFICIENT_DATA"),
    }


def look(event, cell, now, counts):
    """The states of the cell's alarms, in the order asked for, and its requests since the instant asked for."""
    client = cloudwatch(cell["account"], cell["region"])
    names = {alarm["address"]: f"{alarm['label']}-{cell['name']}" for alarm in event["alarms"]}
    states = {}
    wanted = list(names.values())
    for begin in range(0, len(wanted), 100):
        found = client.describe_alarms(
            AlarmNames=wanted[begin : begin + 100], AlarmTypes=["MetricAlarm", "CompositeAlarm"], MaxRecords=100
        )
        for alarm in found.get("MetricAlarms", []) + found.get("CompositeAlarms", []):
            states[alarm["AlarmName"]] = alarm["StateValue"]
    # An alarm that is not there says nothing: that is no pass.
    said = [(address, cell["address"], states.get(name, "INSUFFICIENT_DATA")) for address, name in names.items()]
    metric = event.get("requests")
    if not metric or not counts or event.get("since") is None:
        return said, 0
    since = dt.datetime.fromtimestamp(event["since"] / 1000, dt.timezone.utc)
    if now - since < dt.timedelta(minutes=1):
        return said, 0
    stat = {
        "Metric": {
            "Namespace": metric["namespace"],
            "MetricName": metric["metric"],
            "Dimensions": [{"Name": event["dimension"], "Value": cell["value"]}],
        },
        "Period": 60,
        "Stat": metric["statistic"],
    }
    pages = client.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[{"Id": "requests", "MetricStat": stat}], StartTime=since, EndTime=now
    )
    return said, int(sum(sum(result["Values"]) for page in pages for result in page["MetricDataResults"]))


def cloudwatch(account, region):
    role = f"arn:{PARTITION}:iam::{account}:role/{ROLE}"
    keys = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="cellc-observe")["Credentials"]
    return boto3.client(
        "cloudwatch",
        region_name=region,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


def first(seen, state):
    for said, _ in seen:
        for alarm, cell, found in said:
            if found == state:
                return {"alarm": alarm, "cell": cell}
    return None


def opens(window, at):
    """The first instant from `at` on at which the window is open; `at` itself without one."""
    if not window:
        return at
    zone = ZoneInfo(window["zone"])
    today = dt.datetime.fromtimestamp(at / 1000, zone).date()
    for days in range(-1, 15):
        day = today + dt.timedelta(days=days)
        start, end = (instant(day, minute, zone) for minute in (window["from"], window["to"]))
        if DAYS[day.weekday()] in window["days"] and at < end and start < end:
            return max(at, start)
    raise ValueError("the window never opens")


def instant(day, minute, zone):
    local = dt.datetime.combine(day, dt.time(minute // 60, minute % 60), zone)
    return int(local.timestamp() * 1000)
