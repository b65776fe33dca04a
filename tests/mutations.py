"""Break the code on purpose, one place at a time, and see the test that must notice fail.

Each row names a file, a text in it, what takes its place, and a test. The rows' tests pass on the code as it is (checked
first, in one run); then each row is applied to a copy and its test must fail. A text that is no longer found is a failure,
too: the row then guards nothing. Run it as `python tests/mutations.py [WORD]`; WORD picks rows by name.
"""

# ruff: noqa: F401, T201 - some imports are for the forks, and a script prints
import multiprocessing
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import httpx
import hypothesis
import phonenumbers
import pydantic
import pytest
import respx
import sqlalchemy

ROOT = Path(__file__).resolve().parent.parent
SRC = "src/recallgate"
PEOPLE, HOURS, CAPS = "tests/policies/test_people_rules.py", "tests/policies/test_quiet_hours.py", "tests/policies/test_caps.py"
SENDER, MONEY = "tests/policies/test_sender_rules.py", "tests/policies/test_money_and_rates.py"
SENDING, REFUSALS, WAITING = (f"tests/gateway/test_{name}.py" for name in ("sending", "refusals", "waiting"))
REPORTS, OPTOUT, CRASH = (f"tests/gateway/test_{name}.py" for name in ("reports", "optout", "crash"))
DRIVERS = "tests/gateway/test_drivers.py"
SETTLING, ROUTING, ORDERS = (f"tests/gateway/test_{name}.py" for name in ("settling", "routing", "orders"))
OPERATION, CUSTODY, RETENTION = (f"tests/gateway/test_{name}.py" for name in ("operation", "custody", "retention"))
ENCRYPTION = "tests/gateway/test_encryption.py"
ASKED, LEDGER, ORDER, TIME, SAMPLES = (
    f"tests/gateway/test_{name}.py" for name in ("asked_facts", "ledger", "undispatchable_order", "own_time", "samples")
)
TWIN = "tests/recall/test_twin.py"
LANES, TOKENS, LINKS = (f"tests/gateway/test_{name}.py" for name in ("lanes", "tokens", "links"))


@dataclass(frozen=True)
class Mutation:
    """One break, and the test that must notice."""

    name: str
    file: str
    old: str
    new: str
    test: str


def removed(policy: str, first_line: str, test: str) -> Mutation:
    """A policy that always allows; `first_line` is the first of its `__call__`."""
    return Mutation(
        f"policy {policy} removed",
        f"{SRC}/policies/{policy.split(':')[0]}.py",
        f"-> Verdict:\n        {first_line}",
        f"-> Verdict:\n        return ALLOW\n        {first_line}",
        test,
    )


MUTATIONS = (
    Mutation(
        "a process whose lease is over calls the vendor",
        f"{SRC}/delivery/leases.py",
        "if self._stopping or held[1] <= time.monotonic():",
        "if self._stopping:",
        "tests/engines/test_leases.py::test_a_message_whose_lease_is_over_before_its_turn_goes_back_and_is_sent_later",
    ),
    Mutation(
        "a lost lease is taken for a renewed one",
        f"{SRC}/delivery/leases.py",
        "if key in ours:",
        "if True:",
        "tests/engines/test_leases.py::test_what_the_reaper_took_is_not_sent_by_the_process_that_had_it",
    ),
    Mutation(
        "a job that is held is taken by another",
        f"{SRC}/store/jobs.py",
        " where rg_job.due_at <= {clock} and rg_job.lease_until <= {clock}",
        " where rg_job.due_at <= {clock}",
        "tests/engines/test_leases.py::test_a_job_that_is_held_is_nobody_elses",
    ),
    removed("suppression", "if not case.suppressions:", f"{PEOPLE}::test_a_reason_stops_its_purposes"),
    removed("consent", "if case.consents is None", f"{PEOPLE}::test_the_newest_fitting_consent_decides"),
    removed("consent:registry", 'if "registry_age" not in', f"{PEOPLE}::test_an_old_registry_check_is_missing_consent"),
    removed("exit_on_return", "run = case.enrolment", f"{PEOPLE}::test_a_return_since_the_start_ends_the_run"),
    removed("pause", "own, other =", f"{PEOPLE}::test_marketing_waits_for_the_end_of_a_pause"),
    removed("expiry", "message, now =", f"{WAITING}::test_a_message_past_its_end_expires"),
    removed("holdout", "if not case.holdouts", f"{PEOPLE}::test_held_out_people_get_no_marketing"),
    removed("region_block", "region = case.place", f"{HOURS}::test_a_blocked_region_gets_no_calls_for_any_purpose"),
    removed("refusal_cooldown", "if not case.person.refused_at", f"{HOURS}::test_after_a_refusal_the_channel_rests"),
    removed("quiet_hours", "hours = self.hours", f"{WAITING}::test_night_waits_for_the_morning_and_then_the_message_leaves"),
    removed("regulation_limits", "if not case.sent:", f"{CAPS}::test_france_allows_four_call_attempts_in_30_days"),
    removed("frequency_cap", "if len(case.sent) <", f"{SENDING}::test_a_cap_holds_within_one_page_and_frees_itself_in_time"),
    removed("frequency_cap:own", "caps = case.facts.get(", f"{CAPS}::test_a_persons_own_cap_holds_beside_the_others"),
    removed("pruning", "ended = case.facts.get(", f"{MONEY}::test_three_failed_plays_end_recall_until_a_return"),
    removed("budget", "known = case.facts.get(", f"{MONEY}::test_the_last_message_that_fits_leaves_and_no_other"),
    removed("rate_limit", "rate = case.facts.get(", f"{MONEY}::test_a_full_bucket_delays_and_a_day_of_waiting_is_too_long"),
    removed(
        "number_reputation",
        "checks = case.facts.get(",
        f"{SENDER}::test_a_number_that_is_marked_or_unchecked_for_a_month_calls_nobody",
    ),
    removed("deliverability", "health = case.facts.get(", f"{SENDER}::test_bad_figures_of_a_sender_stop_its_marketing"),
    removed("country_list", "country = case.place", f"{SENDER}::test_only_countries_of_the_list_are_written_to"),
    removed("velocity", "counts = case.facts.get(", f"{SENDER}::test_a_burst_to_one_country_or_block_is_stopped"),
    removed("account_ability", "if case.account is None", f"{SENDER}::test_an_account_carries_what_it_can"),
    removed("address_validity", "kind = case.facts.get(", f"{SENDER}::test_numbers_that_cannot_take_a_message_get_none"),
    Mutation(
        "a page's messages do not see what the ones before them spent",
        f"{SRC}/delivery/asked.py",
        "page.spent[budget.id] += micros",
        "page.spent[budget.id] += 0",
        f"{ASKED}::test_a_budget_lets_as_many_leave_as_it_pays_for_and_drops_the_rest",
    ),
    Mutation(
        "what was refused is paid for",
        f"{SRC}/delivery/outcome.py",
        "conclusion.tallies = _given_back(ready)",
        "conclusion.tallies = ()",
        f"{ASKED}::test_what_certainly_was_not_sent_is_given_back_to_its_budget",
    ),
    Mutation(
        "a page's codes do not see the ones before them",
        f"{SRC}/delivery/asked.py",
        "page.counts[key] = page.counts.get(key, 0) + 1",
        "page.counts[key] = page.counts.get(key, 0)",
        f"{ASKED}::test_a_block_of_numbers_is_counted_within_one_page",
    ),
    Mutation(
        "a template goes to an account that must not send it",
        f"{SRC}/delivery/accounts.py",
        "return found or fitting",
        "return fitting",
        f"{ASKED}::test_a_template_goes_to_the_account_whose_vendor_approved_it",
    ),
    Mutation(
        "opt-outs do not count against a sender",
        f"{SRC}/tracking/health.py",
        'self._add(account, "opt_outs")',
        "pass",
        f"{ASKED}::test_a_sender_whom_people_leave_sends_no_more_marketing",
    ),
    Mutation(
        "a report told twice counts twice",
        f"{SRC}/tracking/health.py",
        "if change.state == change.was:",
        "if False:",
        f"{ASKED}::test_a_report_told_twice_counts_once",
    ),
    Mutation(
        "plays that wrote count as none",
        f"{SRC}/store/asked.py",
        '" and exists (select 1 from rg_message m',
        '" and not exists (select 1 from rg_message m',
        f"{ASKED}::test_after_three_plays_without_effect_recall_ends_and_a_return_lifts_that",
    ),
    Mutation(
        "caps look back a month at most",
        f"{SRC}/delivery/cases.py",
        "max(CAP_HORIZON_MS, int(",
        "min(CAP_HORIZON_MS, int(",
        f"{ASKED}::test_a_cap_that_looks_back_further_than_a_month_sees_what_was_sent",
    ),
    Mutation(
        "holidays are not looked up",
        f"{SRC}/delivery/cases.py",
        "if place.country in self._closing else _NO_DAYS",
        "if False else _NO_DAYS",
        f"{ASKED}::test_a_holiday_of_the_settings_closes_where_the_law_says_so",
    ),
    Mutation(
        "own facts are lost on the next channel",
        f"{SRC}/delivery/asked.py",
        "    return [message, *others]",
        "    return [message]",
        f"{ASKED}::test_an_own_policys_fact_is_there_on_the_next_channel_too",
    ),
    Mutation(
        "an opt-in ends complaints",
        f"{SRC}/optout/desk.py",
        'reason="opt_out", now=now, channel=channel, topic=topic',
        'reason="complaint", now=now, channel=channel, topic=topic',
        f"{LEDGER}::test_an_opt_in_with_its_proof_ends_opt_outs_and_nothing_else",
    ),
    Mutation(
        "each STOP is confirmed",
        f"{SRC}/optout/answers.py",
        '_key("optout", address, str(seq))',
        '_key("optout", address, now.isoformat())',
        f"{LEDGER}::test_an_opt_out_is_confirmed_once",
    ),
    Mutation(
        "a consent read twice is two",
        f"{SRC}/store/ledger.py",
        'f" where not exists (select 1 from rg_consent c where {same})"',
        "f\" where {same!r} <> ''\"",
        f"{LEDGER}::test_the_ledger_goes_out_and_comes_back_the_same",
    ),
    Mutation(
        "the app's people lose what they chose",
        f"{SRC}/store/people.py",
        "if name in _CHOSEN else",
        "if name in () else",
        f"{LEDGER}::test_what_the_app_stores_of_a_person_keeps_what_they_chose",
    ),
    Mutation(
        "a complaint is from one program only",
        f"{SRC}/optout/effects.py",
        'sender if reason == "opt_out" and from_person else "*"',
        "sender",
        f"{LEDGER}::test_a_complaint_is_from_everything_whatever_the_scope",
    ),
    Mutation(
        "an order told twice has two runs",
        f"{SRC}/store/people.py",
        "or {{text:r.data:key}} = {what}))",
        "or r.run = -1))",
        f"{ORDER}::test_an_order_has_one_run_however_often_it_is_told",
    ),
    Mutation(
        "another order's dispatch ends the alert",
        f"{SRC}/recall/runner.py",
        "if other is None or other == key",
        "if key is not None",
        f"{ORDER}::test_another_orders_dispatch_ends_nothing",
    ),
    Mutation(
        "the own peak overrides the law",
        f"{SRC}/recall/send_time.py",
        "if allowed(_instant(start, minute))]",
        "if minute >= 0]",
        f"{TIME}::test_a_peak_at_night_does_not_override_the_law",
    ),
    Mutation(
        "a campaign's samples are marketing",
        f"{SRC}/recall/samples.py",
        '"purpose": Purpose.SERVICE',
        '"purpose": Purpose.MARKETING',
        f"{SAMPLES}::test_every_step_goes_to_every_test_number_even_at_night_and_twice",
    ),
    Mutation(
        "the twin counts addresses only",
        f"{SRC}/recall/twin.py",
        "greatest(coalesce(a.c{n}, 0), coalesce(o.c{n}, 0))",
        "coalesce(a.c{n}, 0)",
        f"{TWIN}::test_the_twin_and_the_chain_agree_on_everybody",
    ),
    Mutation(
        "a return does not lift the pruning",
        f"{SRC}/policies/pruning.py",
        "(returned is None or at > returned)",
        "True",
        f"{MONEY}::test_three_failed_plays_end_recall_until_a_return",
    ),
    Mutation(
        "a marked number is only a stale one",
        f"{SRC}/policies/number_reputation.py",
        "            if check.marked:",
        "            if False:",
        f"{SENDER}::test_a_number_that_is_marked_or_unchecked_for_a_month_calls_nobody",
    ),
    Mutation(
        "a shadow that fails stops the message",
        f"{SRC}/policies/chain.py",
        '    except Exception as fault:\n        _log.warning("the shadow',
        '    except ZeroDivisionError as fault:\n        _log.warning("the shadow',
        "tests/policies/test_facts.py::test_a_shadow_that_fails_stops_nothing",
    ),
    Mutation(
        "no guard before the end of a window",
        f"{SRC}/rules/hours.py",
        "to_utc(end, where, ending=True) - self.guard_minutes)",
        "to_utc(end, where, ending=True))",
        "tests/test_properties.py::test_a_property_holds_on_random_cases",
    ),
    Mutation(
        "an hour that comes twice opens at its first",
        f"{SRC}/rules/localtime.py",
        "return local - (before if ending else after)",
        "return local - before",
        "tests/test_hours.py::test_clock_changes_never_open_too_early_or_close_too_late",
    ),
    Mutation(
        "the end of a window is allowed",
        f"{SRC}/rules/hours.py",
        "        return at >= 0 and minute < ends[at]\n\n    def next_opening",
        "        return at >= 0 and minute <= ends[at]\n\n    def next_opening",
        "tests/policies/test_regulation_rows.py::test_its_start_is_allowed_and_its_end_less_the_guard_is_not",
    ),
    Mutation(
        "a row of law is taken for a default",
        f"{SRC}/rules/regulations.py",
        "row.country == country and row.region in (None, region)",
        "row.country == country and row.region is None",
        "tests/policies/test_regulation_rows.py::test_outside_its_hours_a_message_waits_for_the_next_opening",
    ),
    Mutation(
        "an own row without a date is fresh",
        f"{SRC}/rules/overrides.py",
        "if (read := _read_on(row)) is None or today - read > age",
        "if (read := _read_on(row)) is not None and today - read > age",
        "tests/test_rule_changes.py::test_an_own_row_without_a_date_is_old_from_the_start",
    ),
    Mutation(
        "guessed holidays pass for official ones",
        f"{SRC}/rules/holidays.py",
        "if last is not None and year > last:",
        "if False:",
        "tests/test_rule_changes.py::test_beyond_the_last_official_year_dates_are_a_guess_and_said_to_be",
    ),
    Mutation(
        "words of one phone maker hold for all",
        f"{SRC}/text/words.py",
        'one.maker == "*" or one.maker in makers',
        "True",
        "tests/test_content_rules.py::test_lists_hold_for_their_vendor_maker_and_country",
    ),
    Mutation(
        "old news of a template hold",
        f"{SRC}/text/registered.py",
        "news.at < known.state_at",
        "False",
        "tests/test_content_rules.py::test_the_newest_news_of_a_template_hold",
    ),
    Mutation(
        "a character may be split between segments",
        f"{SRC}/text/segments.py",
        "size - 1 if splits(at) else size",
        "size",
        "tests/test_segments.py::test_no_border_splits_a_character_of_two_units",
    ),
    Mutation(
        "an opt-out is confirmed twice",
        f"{SRC}/optout/confirmation.py",
        "if confirmed or not",
        "if not",
        "tests/test_content_rules.py::test_an_opt_out_is_confirmed_once_within_five_minutes",
    ),
    Mutation(
        "no intent before the call",
        f"{SRC}/delivery/chunk.py",
        "ours = attempts.intend(connection, list(self.intents.values()), now=self.now, lease_until=lease_until)",
        "ours = set(self.intents)",
        f"{SENDING}::test_the_intent_is_committed_before_the_vendor_is_called",
    ),
    Mutation(
        "a pause after the facts were read is not seen",
        f"{SRC}/store/dialect.py",
        "(z.scope = 'campaign' and z.name = rg_message.campaign)",
        "(z.scope = 'campaign' and z.name = rg_message.step)",
        f"{OPERATION}::test_a_pause_after_the_facts_were_read_still_stops_the_intent",
    ),
    Mutation(
        "a replay leaves no mark",
        f"{SRC}/store/dead.py",
        "moves.note(connection, found)",
        "pass",
        f"{OPERATION}::test_a_replay_is_decided_again_and_marked",
    ),
    Mutation(
        "the audit believes the stored state",
        f"{SRC}/delivery/audit.py",
        "if message.state not in allowed:",
        "if False:",
        f"{OPERATION}::test_an_audit_finds_what_was_changed_by_hand",
    ),
    Mutation(
        "erased people are not looked up by their hash",
        f"{SRC}/store/facts.py",
        "facts.hidden = hidden_of(connection, tenant, distinct)",
        "facts.hidden = {}",
        f"{CUSTODY}::test_an_erased_person_is_not_written_to_after_another_import",
    ),
    Mutation(
        "what comes after an erasure names the address again",
        f"{SRC}/store/ledger.py",
        "rows = _veiled(connection, rows)",
        "rows = list(rows)",
        f"{CUSTODY}::test_what_was_leaving_during_the_erasure_does_not_come_back",
    ),
    Mutation(
        "an erasure leaves waiting messages",
        f"{SRC}/store/custody.py",
        "state = case when state in ('queued', 'held') then 'cancelled' else state end,",
        "state = state,",
        f"{CUSTODY}::test_an_erased_person_is_in_no_column_of_any_table",
    ),
    Mutation(
        "an erasure forgets the raw callbacks",
        f"{SRC}/store/custody.py",
        'touched = {"callback": _forget_callbacks(connection, found)}',
        'touched = {"callback": 0}',
        f"{CUSTODY}::test_an_erased_person_is_in_no_column_of_any_table",
    ),
    Mutation(
        "retention tears campaigns apart",
        f"{SRC}/store/retention.py",
        "and campaign not in {values('kept')}",
        "and '' not in {values('kept')}",
        f"{RETENTION}::test_a_campaign_stays_whole_until_its_last_run_is_over_for_long",
    ),
    Mutation(
        "retention deletes refusals",
        f"{SRC}/store/retention.py",
        "where tenant = :tenant and type = 'refused' and message_id in",
        "where tenant = :tenant and type = 'none' and message_id in",
        f"{RETENTION}::test_caps_suppressions_and_refusals_outlive_their_message",
    ),
    Mutation(
        "contents are stored in the clear",
        f"{SRC}/store/messages.py",
        "        rows = sealed_rows(rows, ring)",
        "        pass",
        f"{ENCRYPTION}::test_contents_are_unreadable_in_the_store_and_whole_outside",
    ),
    Mutation(
        "sealed values open in any row",
        f"{SRC}/store/sealed.py",
        'return "\\x1f".join((tenant, *map(str, key)))',
        "return tenant",
        f"{ENCRYPTION}::test_a_value_of_another_row_does_not_open",
    ),
    Mutation(
        "a missing key is not told",
        f"{SRC}/delivery/custody.py",
        "if lost := sealed.missing(connection, self._tenant, self._ring):",
        "if lost := list[str]():",
        f"{ENCRYPTION}::test_a_wrong_key_sends_nothing_and_says_which_is_missing",
    ),
    Mutation(
        "another key of erasures is not told",
        f"{SRC}/delivery/custody.py",
        "if not fits(connection, self._tenant, vault):\n                return OTHER_KEY",
        "if False:\n                return OTHER_KEY",
        f"{CUSTODY}::test_nothing_is_sent_where_the_key_is_missing_or_another",
    ),
    Mutation(
        "lower reports are applied",
        f"{SRC}/model/state.py",
        "if current in RANK and RANK[reported] > RANK[current]:",
        "if current in RANK:",
        f"{REPORTS}::test_a_bounce_after_delivery_suppresses_and_leaves_the_state",
    ),
    Mutation(
        "Twilio's signature is not looked at",
        "adapters/recallgate_adapters/twilio_signature.py",
        "    if not any(hmac.compare_digest(",
        "    if False and not any(hmac.compare_digest(",
        f"{REPORTS}::test_a_forged_callback_stores_nothing",
    ),
    Mutation(
        "WeCom's signature is not looked at",
        "adapters/recallgate_adapters/wecom_crypto.py",
        "    if not hmac.compare_digest(signature(",
        "    if False and not hmac.compare_digest(signature(",
        "tests/adapters/test_wecom.py::TestWecomApp::test_forged_callback_with_another_signature_is_refused",
    ),
    Mutation(
        "news on a driver's own wire are heard by nobody",
        f"{SRC}/delivery/drivers.py",
        "driver.tell = partial(hear, name)",
        "driver.tell = None",
        f"{DRIVERS}::test_a_receipt_on_the_wire_moves_the_message",
    ),
    Mutation(
        "who opted out stays in exported audiences",
        f"{SRC}/delivery/drivers.py",
        "jobs.append(Removals(",
        "_ = (Removals(",
        "tests/adapters/test_audience.py::test_who_opts_out_is_taken_out_by_the_worker",
    ),
    Mutation(
        "a restart takes out who has consented anew",
        f"{SRC}/optout/consented.py",
        "y.granted = 1 and",
        "y.granted = 2 and",
        "tests/adapters/test_audience.py::test_a_restart_forgets_no_removal_and_takes_out_nobody_who_came_back",
    ),
    Mutation(
        "a process writes an audience without a look at what others wrote",
        "adapters/recallgate_adapters/audience_book.py",
        "if path not in self._known or self._seen[path] != _mark(path):",
        "if path not in self._known:",
        "tests/adapters/test_audience.py::test_two_processes_write_one_file_together",
    ),
    Mutation(
        "a missing module is found with a message in hand",
        f"{SRC}/delivery/accounts.py",
        "        check_needs(config.cls)\n",
        "",
        "tests/adapters/test_needs.py::test_a_missing_module_is_named_before_any_message",
    ),
    Mutation(
        "a failed bind of the sandbox is a bind",
        "adapters/recallgate_adapters/faces/smpp.py",
        "else _BAD_PASSWORD",
        "else 0",
        "tests/sandbox/test_wires.py::test_a_wrong_password_is_refused_at_the_bind",
    ),
    Mutation(
        "any secret in the path will do",
        f"{SRC}/delivery/addresses.py",
        "secret.encode()) for one in known) > 0",
        "secret.encode()) for one in known) >= 0",
        f"{REPORTS}::test_the_address_of_callbacks_has_a_secret_that_nobody_guesses",
    ),
    Mutation(
        "no suppression clause in the intent",
        f"{SRC}/store/attempts.py",
        "and not exists (select 1 from rg_suppression s where s.tenant",
        "and not exists (select 1 from rg_suppression s where 1 = 0 and s.tenant",
        f"{OPTOUT}::test_an_opt_out_between_the_decision_and_the_intent_stops_the_message",
    ),
    Mutation(
        "caps are not reserved",
        f"{SRC}/delivery/chunk.py",
        "ledger.reserve(connection, caps)",
        "pass",
        f"{SENDING}::test_a_message_counts_from_its_intent_for_person_and_address",
    ),
    Mutation(
        "caps are not released",
        f"{SRC}/delivery/worker.py",
        "ledger.release(connection, released)",
        "pass",
        f"{SENDING}::test_a_cap_counts_what_may_have_arrived_and_nothing_else",
    ),
    Mutation(
        "copies of events are news",
        f"{SRC}/tracking/process.py",
        'return f"{account}|{event.type}|{event.vendor_event_id}"',
        'return f"{account}|{event.type}|{event.vendor_event_id}|{event.at}"',
        f"{OPTOUT}::test_one_click_twice_is_one_opt_out",
    ),
    Mutation(
        "keys are forgotten",
        f"{SRC}/store/messages.py",
        "        message.idempotency_key,\n",
        "        None,\n",
        f"{SENDING}::test_fifty_callers_with_one_key_send_once",
    ),
    Mutation(
        "a key may say something else",
        f"{SRC}/store/messages.py",
        "if message.idempotency_key is not None and digest != body_hash(message):",
        "if False:",
        f"{SENDING}::test_the_same_key_with_other_words_is_a_conflict",
    ),
    Mutation(
        "uncertain is a refusal",
        f"{SRC}/delivery/outcome.py",
        "if result.kind is ErrorKind.UNCERTAIN:",
        "if False:",
        f"{REFUSALS}::test_an_uncertain_try_is_never_followed_by_a_quick_one",
    ),
    Mutation(
        "everything uncertain is sent again",
        f"{SRC}/delivery/settling.py",
        "if purpose == Purpose.OTP:",
        "if True:",
        f"{CRASH}::test_what_was_leaving_is_uncertain_and_settled_by_purpose",
    ),
    Mutation(
        "a key that the vendor has forgotten is used",
        f"{SRC}/delivery/repeats.py",
        "return latest < first + remembered * 1000",
        "return True",
        f"{SETTLING}::test_a_key_that_the_vendor_has_forgotten_is_not_used",
    ),
    Mutation(
        "a copy goes to another account",
        f"{SRC}/delivery/stage.py",
        "if self.pinned:",
        "if False:",
        f"{SETTLING}::test_a_paused_account_is_sent_no_copy",
    ),
    Mutation(
        "a copy counts against its own cap",
        f"{SRC}/delivery/repeats.py",
        'for row in entries], state="released")',
        'for row in entries], state="counted")',
        f"{SETTLING}::test_a_copy_does_not_count_against_its_own_cap",
    ),
    Mutation(
        "a copy has other links",
        f"{SRC}/delivery/repeats.py",
        "if known != link.code:",
        "if False:",
        f"{SETTLING}::test_a_copy_has_the_words_of_the_first_one_short_links_and_all",
    ),
    Mutation(
        "a copy that must not leave is closed",
        f"{SRC}/delivery/repeats.py",
        "until) for one, until in stayed], now=at)",
        "until) for one, until in stayed[:0]], now=at)",
        f"{SETTLING}::test_who_opted_out_meanwhile_is_sent_no_copy_and_the_message_stays_uncertain",
    ),
    Mutation(
        "a mail of a batch is repeated alone",
        f"{SRC}/delivery/repeats.py",
        "if account.batch > 1 and not ability.key_in_batch",
        "if False and not ability.key_in_batch",
        f"{SETTLING}::test_a_mail_that_may_have_gone_in_a_batch_has_no_key_of_its_own",
    ),
    Mutation(
        "a refused copy is a refused message",
        f"{SRC}/delivery/settling.py",
        "if isinstance(result, SendError) and result.kind.definite and",
        "if False and isinstance(result, SendError) and",
        f"{SETTLING}::test_a_refused_copy_says_nothing_of_the_first_one_unless_the_address_is_at_fault",
    ),
    Mutation(
        "an empty answer proves absence at once",
        f"{SRC}/delivery/settling.py",
        "and now >= one.tried_at + proves * 1000",
        "",
        f"{SETTLING}::test_an_empty_answer_that_proves_absence_puts_the_message_back_into_the_queue",
    ),
    Mutation(
        "accounts without reports are not asked",
        f"{SRC}/delivery/outcome.py",
        "if ready.account.polled else None",
        "if False else None",
        f"{SETTLING}::test_an_account_without_reports_is_asked_about_what_it_took",
    ),
    Mutation(
        "retries have no budget",
        f"{SRC}/delivery/retries.py",
        "if self.left(now) < 1:",
        "if False:",
        f"{ROUTING}::test_a_budget_allows_a_fifth_of_the_first_attempts_of_the_last_minute_and_a_few_always",
    ),
    Mutation(
        "a vendor is asked before the time that it told",
        f"{SRC}/delivery/outcome.py",
        'asked = error.retry_at if waits or rule.next == "retry" else None',
        "asked = error.retry_at if waits else None",
        f"{ROUTING}::test_a_vendor_that_says_when_to_come_back_is_not_asked_earlier",
    ),
    Mutation(
        "weights are no shares",
        f"{SRC}/delivery/routing.py",
        "return -math.log((draw + 1) / (2**64 + 1)) / weight",
        "return float(weight)",
        f"{ROUTING}::test_each_account_takes_its_share_by_weight",
    ),
    Mutation(
        "a copy of an orphan is another event",
        f"{SRC}/store/events.py",
        "then rg_event.dedupe else {_KNOWN_AS} end",
        "then rg_event.dedupe else rg_event.dedupe end",
        f"{ORDERS}::test_every_order_of_receipt_and_reports_ends_in_the_same_state",
    ),
    Mutation(
        "a dead number is not remembered",
        f"{SRC}/delivery/worker.py",
        "ledger.suppress(connection, suppressions)",
        "pass",
        f"{REFUSALS}::test_a_dead_number_is_not_tried_again",
    ),
    Mutation(
        "reports before the receipt are lost",
        f"{SRC}/delivery/worker.py",
        "adopt_orphans(connection, receipts, now=now)",
        "pass",
        f"{REPORTS}::test_a_report_that_comes_before_the_receipt_is_matched",
    ),
    Mutation(
        "START lifts everything",
        f"{SRC}/tracking/process.py",
        'reason="opt_out", now=now',
        'reason="complaint", now=now',
        f"{OPTOUT}::test_start_lifts_opt_outs_only",
    ),
    Mutation(
        "a broken wire counts as not sent",
        f"{SRC}/transport/client.py",
        'SendError(ErrorKind.UNCERTAIN, "broken"',
        'SendError(ErrorKind.UNAVAILABLE, "broken"',
        f"{LANES}::test_a_break_after_the_request_was_written_is_uncertain",
    ),
    Mutation(
        "tokens are not shared",
        f"{SRC}/transport/tokens.py",
        "known = await self._store.load(auth.identity)",
        "known = None",
        f"{TOKENS}::test_two_gateways_share_a_token_through_the_store",
    ),
    Mutation(
        "machines count as people",
        f"{SRC}/links/hits.py",
        "if _BOTS.search(agent):",
        "if False:",
        f"{LINKS}::test_a_machine_is_led_there_too_and_never_counted",
    ),
)


def copied(folder: Path) -> Path:
    """A copy of what tests need, compiled files along with it."""
    for name in ("src", "adapters", "tests"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy2(ROOT / "pyproject.toml", folder)
    return folder


def passes(root: Path, *tests: str) -> tuple[bool, str]:
    """Whether the tests pass on a copy, and what pytest said last. Runs in a process of its own, see `main`."""
    said = root / "said.txt"
    with said.open("w") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    os.chdir(root)
    sys.path[:0] = [str(root / "src"), str(root / "adapters")]
    code = int(pytest.main(["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]))
    sys.stdout.flush()
    words = said.read_text()[-2000:]
    if code not in (0, 1):  # neither passed nor failed: nothing was learned
        raise RuntimeError(f"pytest ended with {code}: {words[-500:]}")
    if (home := sys.modules["recallgate"].__file__) is None or not home.startswith(str(root)):
        raise RuntimeError(f"the tests ran against {home}, not against the copy")
    return code == 0, words


def whole(tests: tuple[str, ...]) -> tuple[bool, str]:
    """Whether the tests pass on the code as it is."""
    with tempfile.TemporaryDirectory() as temporary:
        return passes(copied(Path(temporary)), *tests)


def survives(mutation: Mutation) -> str | None:
    """Why the mutation was not noticed; None when it was."""
    with tempfile.TemporaryDirectory() as temporary:
        root = copied(Path(temporary))
        file = root / mutation.file
        text = file.read_text(encoding="utf-8")
        if text.count(mutation.old) != 1:
            return f"its text is found {text.count(mutation.old)} times in {mutation.file}, not once"
        file.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")
        try:
            passed, _ = passes(root, mutation.test)
        except RuntimeError as exc:
            return str(exc)
        return f"{mutation.test} still passes" if passed else None


def _halves(tests: list[str]) -> list[tuple[str, ...]]:
    return [part for part in (tuple(tests[::2]), tuple(tests[1::2])) if part]


def main(word: str = "") -> int:
    """Print what survived; answers 0 only when nothing did."""
    chosen = [one for one in MUTATIONS if word in one.name]
    # A process a run, forked from this one, which has loaded what all runs need of other people's packages.
    forks = multiprocessing.get_context("fork")
    with forks.Pool(max(2, os.cpu_count() or 2), maxtasksperchild=1) as pool:
        untouched = [pool.apply_async(whole, (part,)) for part in _halves(sorted({one.test for one in chosen}))]
        for run in untouched:
            passed, said = run.get()
            if not passed:
                print(said)
                print("the tests fail on the code as it is; mend that first")
                return 1
        results = pool.map(survives, chosen, chunksize=1)
    failed = 0
    for mutation, reason in zip(chosen, results, strict=True):
        if reason is not None:
            failed += 1
            print(f"SURVIVED: {mutation.name}: {reason}")
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
