"""Breast screening in SQL."""

from tests.indicators.in_sql.views import (
    at_risk,
    days,
    each,
    first,
    following,
    general,
    living,
    median,
    months,
    reached,
    share,
    told_in_time,
    with_organ,
)

TO, INTERVAL, EPISODE = "breast_assessment", 24, 6
AGES, SEXES = (50, 70, "in_year"), "female"
OTHER_AGES = {"coverage_en": (53, 71, "completed")}
VIEWS = """
create view reading as select person, date, reader, not has(findings, 'score_1') or len(findings) > 1 as positive
  from event where test = 'mammography' and len(findings) > 0;
create view read_by as select person, date, coalesce(reader, '?') as reader, bool_or(positive) as positive from reading group by all;
create view exam as select person, date, count(*) as readers, count(*) filter (positive) as finders from read_by group by person, date;
create view consensus as select person, date, bool_or(has(findings, 'recall')) as recall from event
  where test = 'consensus' and len(findings) > 0 group by person, date;
create view decided as select e.*, (select arg_min(c.recall, c.date) from consensus c
    where c.person = e.person and c.date between e.date and e.date + 60) as recall from exam e;
create view asked_back as select person, date from referral union all select person, date from visit;
create table specimen as select person, date, readers, finders, recall, true as valid, coalesce(recall, exists (from asked_back a
    where a.person = d.person and a.date between d.date and d.date + 90)) as positive from decided d;
create view answered as select person, date from specimen;
create view tissue as select person, date, method, has(findings, 'invasive_cancer') as invasive,
   list_has_any(findings, ['dcis', 'invasive_cancer']) as malignant from event where test = 'histology' and len(findings) > 0;
create view report as select person, date, code, size_mm, nodes, stage, row_number() over (partition by person
   order by date, code nulls last, size_mm nulls last, nodes nulls last, stage nulls last) as place
  from event where kind = 'diagnosed' and (code is null or code in ('unspecified', 'invasive_cancer', 'dcis')
    or starts_with(code, 'C50') or starts_with(code, 'D05'));
create view cancer as select person, date, max(kind) as kind from (
  select person, date, case when invasive then 3 else 2 end as kind from tissue where malignant union all
  select person, date, case when starts_with(code, 'C50') or code = 'invasive_cancer' then 3
     when starts_with(code, 'D05') or code = 'dcis' then 2 else 1 end from report) group by person, date;
create view open_biopsy as select person, date, bool_or(malignant) as malignant from tissue where method = 'open' group by all;
create view recall_decision as select person, date from consensus where recall;
create view mastectomy as select person, date from treatment where code in ('mastectomy', 'bilateral_mastectomy');
create view technical as select person, date from event where kind = 'referred' and "to" = 'mammography';
"""
AFTER = """
create view told as select *, found as detected, case when found then (select max(c.kind) from cancer c where c.person = s.person
    and c.date between s.date and s.date + interval 6 month) end as kind,
    exists (from tissue t where t.person = s.person and t.date between s.date and s.date + interval 6 month) as sampled
  from came s;
"""
_FALSE = "u.positive and not u.detected"
_DISCORDANT = "u.finders > 0 and u.finders < u.readers"
_NOT_IN_SITU = "(select c.kind <> 2 from cancer c where c.person = u.person and c.date = u.came_on)"
_CAME = f"u.came_on <= {months(24)}"


def described(column):
    """The first report within six months that tells it."""
    first_told = f"""(select arg_min(r.{column}, (r.date, r.place)) from report r where r.person = t.person
                       and r.{column} is not null and r.date >= t.date and r.date <= t.date + interval 6 month)"""
    return f"(select t.*, {first_told} as told from told t where t.kind = 3)"


def of_described(column, so):
    return share(each(described(column), "u.told is not null"), so)


QUERIES = {
    **{name: query for name, query in general(INTERVAL).items() if not name.startswith("kit_return")},
    "coverage_en": share(
        living(with_organ()), reached("answered", "u.date", start="date '2025-01-01' - interval 36 month")
    ),
    "reading_positive_rate": share(each("reading"), "u.positive"),
    "discordant_rate": share(each("told", "u.readers >= 2"), _DISCORDANT),
    "concordant_positive_rate": share(each("told", "u.readers >= 2"), "u.finders = u.readers"),
    "dismissed_at_consensus": share(each("told", "u.finders > 0"), "not u.recall"),
    "assessment_referral_rate": share(each("told"), "u.positive"),
    "early_recall_rate": share(each("told"), reached("opened", months(6), where="o.kind = 'repeat_test'")),
    "technical_repeat_rate": share(each("told"), reached("technical", days(90))),
    "false_positive_rate": share(each("told"), _FALSE),
    "false_positive_invasive_rate": share(each("told"), f"{_FALSE} and u.sampled"),
    "cumulative_false_positive": share(each("told"), _FALSE),
    "ppv_assessment": share(each("told", "u.positive"), "u.detected"),
    "ppv_biopsy": share(each("told", "u.positive and u.sampled"), "u.detected"),
    "screen_detected_rate": share(each("told"), "u.detected"),
    "screen_detected_invasive_rate": share(each("told"), "u.kind = 3"),
    "screen_detected_dcis_rate": share(each("told"), "u.kind = 2"),
    "detection_ratio": share(each("told"), "u.kind = 3"),
    "screen_detected_discordant_share": share(each("told", "u.detected"), _DISCORDANT),
    "invasive_share": share(each("told", "u.kind >= 2"), "u.kind = 3"),
    "small_cancer_share": of_described("size_mm", "u.told <= 10"),
    "under_15mm_share": of_described("size_mm", "u.told < 15"),
    "over_20mm_share": of_described("size_mm", "u.told > 20"),
    "node_negative_share": of_described("nodes", "u.told = 0"),
    "stage_two_plus_share": of_described("stage", "u.told <> 'I'"),
    "interval_cancer_rate": share(each("told"), _CAME),
    "interval_cancer_share_year1": at_risk(each("told"), "12 month", kinds=_NOT_IN_SITU),
    "interval_cancer_share_year2": at_risk(each("told"), "24 month", "12 month", kinds=_NOT_IN_SITU),
    "episode_sensitivity": share(each("told", f"u.detected or {_CAME}"), "u.detected"),
    "interval_after_dismissal_share": share(each("told", _CAME), "not u.recall"),
    "result_turnaround_15wd": told_in_time(lambda day: f"weekdays(u.date, {day}) > 15"),
    "assessment_wait_5wd": share(
        each("recall_decision"), f"weekdays(u.date, {following('visit')}) <= 5 and {following('visit')} is not null"
    ),
    "assessment_attendance": share(first("told", "u.positive"), reached("visit", months(6))),
    "time_to_assessment": median(first("told", "u.positive"), "visit", months(6)),
    "time_to_treatment": median(first("told", "u.detected"), "treatment", months(12)),
    "surgery_wait_15wd": share(
        lambda fit: f"select * from ({first('report')(fit)}) u where {reached('treatment', months(12))}",
        f"weekdays(u.date, {following('treatment')}) <= 15",
    ),
    "mastectomy_rate": share(first("told", "u.detected"), reached("mastectomy", months(12))),
    "non_operative_diagnosis_rate": share(
        first("told", "u.detected"), reached("tissue", months(12), where="o.malignant and o.method = 'needle'")
    ),
    "benign_open_biopsy_ratio": lambda fit: f"""
        select coalesce(county_on(u.person, u.date), 'unknown'), count(*) filter (not u.malignant), count(*) filter (u.malignant), null
          from ({each("open_biopsy")(fit)}) u group by 1""",
}  # fmt: skip
