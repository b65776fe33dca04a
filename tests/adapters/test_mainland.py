"""Numbers, times and settings of mainland vendors: what their adapters share."""

from datetime import UTC, datetime
from typing import Any

import pytest

from recallgate import AccountConfig, Adapter, ErrorKind, SendError
from recallgate_adapters._shared import (
    beijing_time,
    blameless,
    from_mainland,
    mainland,
    next_beijing_day,
    number_tag,
    told_rows,
)
from recallgate_adapters.aliyun import AliyunSms
from recallgate_adapters.aliyun_voice import AliyunVoice
from recallgate_adapters.huawei import HuaweiSms
from recallgate_adapters.tencent import TencentSms
from recallgate_adapters.tencent_voice import TencentVoice
from recallgate_adapters.volcengine import VolcengineSms
from recallgate_adapters.yunpian import YunpianSms

ADAPTERS: list[type[Adapter]] = [AliyunSms, AliyunVoice, TencentSms, TencentVoice, YunpianSms, HuaweiSms, VolcengineSms]


@pytest.mark.parametrize(
    ("e164", "written"),
    [
        ("+8613800138000", "13800138000"),
        ("+8619912345678", "19912345678"),
        ("+8612012345678", "8612012345678"),
        ("+861012345678", "861012345678"),
        ("+85291234567", "85291234567"),
        ("+12025550123", "12025550123"),
    ],
)
def test_a_number_is_written_as_at_home_and_read_back(e164: str, written: str) -> None:
    assert mainland(e164) == written
    assert from_mainland(written) == e164


@pytest.mark.parametrize("written", ["+14155550123", "0014155550123"])
def test_a_number_with_its_prefix_is_taken_at_its_word(written: str) -> None:
    assert from_mainland(written) == "+14155550123"


@pytest.mark.parametrize("e164", ["+14155550123", "+19175550123"])
def test_a_foreign_number_that_reads_as_a_chinese_one_is_refused(e164: str) -> None:
    with pytest.raises(SendError) as caught:
        mainland(e164)

    assert caught.value.kind is ErrorKind.UNSUPPORTED_REGION
    assert e164[1:] not in str(caught.value)


@pytest.mark.parametrize(
    ("number", "code", "e164"),
    [
        ("13800138000", "", "+8613800138000"),
        ("+8613800138000", "", "+8613800138000"),
        ("008613800138000", "", "+8613800138000"),
        (13800138000, "", "+8613800138000"),
        ("13800138000", "86", "+8613800138000"),
        ("4155550123", "+1", "+14155550123"),
        ("", "", None),
        (None, "", None),
        ("138****8000", "", None),
        ("１３８", "", None),
    ],
)
def test_a_pushed_number_becomes_e164(number: object, code: str, e164: str | None) -> None:
    assert from_mainland(number, code) == e164


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-20 10:00:05", datetime(2026, 11, 20, 2, 0, 5, tzinfo=UTC)),
        ("2026-11-20 00:00:00", datetime(2026, 11, 19, 16, tzinfo=UTC)),
        ("2026-11-20T10:00:05Z", None),
        ("2026-02-30 10:00:05", None),
        ("", None),
        (None, None),
    ],
)
def test_a_time_in_beijing_is_read(text: object, at: datetime | None) -> None:
    assert beijing_time(text) == at


@pytest.mark.parametrize(
    ("now", "midnight"),
    [
        (datetime(2026, 11, 20, 2, tzinfo=UTC), datetime(2026, 11, 20, 16, tzinfo=UTC)),
        (datetime(2026, 11, 20, 15, 59, 59, tzinfo=UTC), datetime(2026, 11, 20, 16, tzinfo=UTC)),
        (datetime(2026, 11, 20, 16, tzinfo=UTC), datetime(2026, 11, 21, 16, tzinfo=UTC)),
        (datetime(2026, 12, 31, 12, tzinfo=UTC), datetime(2026, 12, 31, 16, tzinfo=UTC)),
    ],
)
def test_a_day_ends_in_beijing(now: datetime, midnight: datetime) -> None:
    assert next_beijing_day(now) == midnight


@pytest.mark.parametrize(
    ("body", "rows"),
    [('[{"a": 1}, 2, {"b": 3}]', 2), ('{"a": 1}', 1), ("[]", 0), ("null", 0), ("{", 0), ("", 0), (b"\xff", 0)],
)
def test_rows_are_read_from_an_array_or_an_object(body: str | bytes, rows: int) -> None:
    assert len(told_rows(body)) == rows


def test_a_tag_tells_numbers_apart_and_hides_them() -> None:
    tags = {number_tag("1^0", "13800138000"), number_tag("1^0", "13900139000"), number_tag("2^0", "13800138000")}

    assert len(tags) == 3
    assert all(len(tag) == 12 for tag in tags)


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_a_batch_blames_no_address_and_keeps_every_other_fault(kind: ErrorKind) -> None:
    error = blameless(SendError(kind, "code", "words"))

    assert error.kind.rule.concerns != "address"
    assert error.code == "code"
    assert error.kind is kind or kind.rule.concerns == "address"


@pytest.mark.parametrize("adapter", ADAPTERS, ids=lambda adapter: adapter.adapter_name())
def test_no_setting_of_the_adapter_is_kept_back_by_the_account(adapter: type[Adapter]) -> None:
    kept: set[str] = set(AccountConfig.model_fields) - {"settings", "adapter", "name"}

    assert not kept & set(adapter.Config.model_fields)


def test_a_style_of_signing_reaches_the_adapter() -> None:
    settings: dict[str, Any] = {"access_key_id": "a", "access_key_secret": "b", "signing": "rpc"}

    account = AccountConfig.build("aliyun.sms", settings, name="ali")

    assert account.settings == AliyunSms.Config(**settings)
