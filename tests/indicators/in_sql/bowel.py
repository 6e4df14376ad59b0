"""Colorectal screening in SQL."""

from tests.indicators.in_sql.views import (
    at_risk,
    days,
    each,
    first,
    general,
    last,
    lived,
    living,
    median,
    months,
    reached,
    share,
    told_in_time,
    waiting,
    with_organ,
)

TO, INTERVAL, EPISODE = "colonoscopy", 24, 12
AGES, SEXES = (55, 65, "in_year"), "both"
OTHER_AGES = {
    "coverage_en": (60, 75, "completed"), "cancer_incidence": (0, 110, "completed"), "stage_one_share": (0, 110, "completed"),
}  # fmt: skip
VIEWS = """
create view specimen as select person, date, bool_or(list_has_any(findings, ['positive', 'negative'])) as valid,
   bool_or(has(findings, 'positive')) as positive from event where test = 'fit' and len(findings) > 0 group by person, date;
create view answered as select person, date from specimen where valid;
create view seen as select person, date, case when has(findings, 'cancer') then 'cancer'
    when has(findings, 'advanced_adenoma') then 'advanced_adenoma' when has(findings, 'serrated') then 'serrated'
    when has(findings, 'non_advanced_adenoma') then 'non_advanced_adenoma' else 'none' end as worst
  from event where test in ('colonoscopy', 'histology') and len(findings) > 0;
create view adenoma as
  select person, date, worst = 'advanced_adenoma' as advanced from seen where worst in ('advanced_adenoma', 'non_advanced_adenoma') union all
  select person, date, false from event where test in ('colonoscopy', 'histology')
     and list_has_any(findings, ['advanced_adenoma', 'non_advanced_adenoma']) union all
  select person, date, code = 'advanced_adenoma' from event where kind = 'diagnosed'
     and (code in ('advanced_adenoma', 'non_advanced_adenoma') or starts_with(code, 'D12'));
create view cancer as select distinct person, date from (select person, date from seen where worst = 'cancer' union all
  select person, date from event where kind = 'diagnosed' and (left(code, 3) in ('C18', 'C19', 'C20') or code = 'cancer'));
create view scope as select person, date, bool_or(not has(findings, 'incomplete')) as complete from event where test = 'colonoscopy' group by all;
create view assessed as select person, date from visit union select person, date from scope;
create view neoplasia as select person, date from cancer union all select person, date from adenoma where advanced;
create view staged as select person, date, stage, row_number() over (partition by person order by date, code nulls last,
   size_mm nulls last, nodes nulls last, stage) as place from event where kind = 'diagnosed' and stage is not null;
create view first_of_day as select person, date, arg_min(stage, place) as stage from staged group by person, date;
"""
POSITIVE = "u.positive"
AFTER_POSITIVE = f"u.date <= {last('specimen', where='o.positive')} + interval 12 month"


def worst(name, upto):
    found = {
        "cancer": reached("cancer", upto),
        "advanced_adenoma": f"{reached('adenoma', upto, where='o.advanced')} and not {reached('cancer', upto)}",
        "advanced_neoplasia": reached("neoplasia", upto),
    }
    return found[name]


def ppv(name):
    return share(first("assessed", AFTER_POSITIVE), worst(name, months(3)))


def detection(name):
    return share(first("tested"), f"u.positive and {worst(name, months(12))}")


QUERIES = {
    **general(INTERVAL),
    "coverage_en": share(
        living(with_organ()), reached("answered", "u.date", start="date '2025-01-01' - interval 30 month")
    ),
    "inadequate_kit_rate": share(first("specimen"), f"not {reached('answered', months(3))}"),
    "positivity": share(first("tested"), POSITIVE),
    "result_turnaround_15d": told_in_time(lambda day: f"{day} > {days(15)}"),
    "referral_after_positive": share(first("tested", POSITIVE), reached("referral", days(90))),
    "assessment_attendance": share(first("tested", POSITIVE), reached("assessed", months(12))),
    "colonoscopy_within_31d": share(first("tested", POSITIVE), reached("assessed", days(31))),
    **{f"colonoscopy_incidence_{n}d": waiting(first("tested", POSITIVE), "assessed", n) for n in (30, 60, 90, 360)},
    "time_to_colonoscopy": median(first("tested", POSITIVE), "assessed", months(12)),
    "colonoscopy_completion_rate": share(each("scope", AFTER_POSITIVE), "u.complete"),
    "adenoma_detection_rate": share(each("scope", AFTER_POSITIVE), reached("adenoma", months(3))),
    **{f"ppv_{name}": ppv(name) for name in ("cancer", "advanced_adenoma", "advanced_neoplasia")},
    "nnsc_advanced_neoplasia": ppv("advanced_neoplasia"),
    **{f"{name}_detection_rate": detection(name) for name in ("cancer", "advanced_adenoma", "advanced_neoplasia")},
    "nns_advanced_neoplasia": detection("advanced_neoplasia"),
    "fit_interval_cancer_rate": at_risk(each("came", "not u.positive"), "24 month"),
    "fit_sensitivity": share(each("came", f"u.found or (not u.positive and u.came_on <= {months(24)})"), "u.found"),
    "post_colonoscopy_cancer_3y": share(
        first("assessed", f"{AFTER_POSITIVE} and not {reached('cancer', months(6))}"),
        reached("cancer", months(36), start=months(6)),
    ),
    "pccrc_3y_share": share(
        first("assessed", f"{AFTER_POSITIVE} and {reached('cancer', months(36))}"), f"not {reached('cancer', months(6))}"
    ),
    "stage_one_share": share(first("first_of_day"), "u.stage = 'I'"),
    "cancer_incidence": lived,
}  # fmt: skip
