"""Cervical screening in SQL."""

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

TO, INTERVAL, EPISODE = "colposcopy", 60, 18
AGES, SEXES = (25, 70, "completed"), "female"
OTHER_AGES = {
    "coverage_en": (25, 65, "completed"),
    "test_coverage_nordscreen_3y": (30, 60, "completed"),
    "test_coverage_nordscreen_10y": (30, 60, "completed"),
    "participation_au": (25, 75, "completed"),
    "participation_au_standardised": (25, 75, "completed"),
    "high_grade_detection_rate": (0, 0, "all"),
    "cancer_incidence": (0, 110, "completed"),
    "cancer_without_screening": (0, 110, "completed"),
}
VIEWS = """
create view hpv as select person, date, sample, findings,
   len(list_filter(findings, lambda f: f <> 'invalid')) > 0 as valid,
   len(list_filter(findings, lambda f: starts_with(f, 'hpv'))) > 0 as positive
  from event where test = 'hpv' and len(findings) > 0;
create view cytology as select person, date, findings, len(list_filter(findings, lambda f: f <> 'unsatisfactory')) > 0 as valid
  from event where test = 'cytology' and len(findings) > 0;
create view answered as select person, date from hpv where valid union all select person, date from cytology where valid;
create view specimen as select person, date, bool_or(valid) as valid, bool_or(positive) as positive, min(sample) as sample,
   bool_or(has(findings, 'hpv_16') or has(findings, 'hpv_18')) as type_16_18 from hpv group by person, date;
create view tissue as select person, date, case
    when list_has_any(findings, ['scc', 'adenocarcinoma']) then 'cancer'
    when list_has_any(findings, ['ais', 'cin3']) then 'cin3' when has(findings, 'cin2') then 'cin2'
    when has(findings, 'cin1') then 'cin1' else 'normal' end as worst
  from event where test = 'histology' and len(findings) > 0;
create view lesion as select person, date, worst from tissue union all
  select person, date, case when starts_with(code, 'D06.0') then 'cin3' when starts_with(code, 'D06') then 'cin3'
      when starts_with(code, 'N87.0') or code = 'cin1' then 'cin1' when starts_with(code, 'N87.1') or code = 'cin2' then 'cin2'
      when starts_with(code, 'N87.2') or code in ('cin3', 'ais') then 'cin3'
      when starts_with(code, 'C53') or code in ('scc', 'adenocarcinoma') then 'cancer' end as worst
    from event where kind = 'diagnosed' and worst is not null;
create view high_cytology as select person, date from cytology
 where list_has_any(findings, ['scc', 'adenocarcinoma', 'ais', 'hsil'])
    or (has(findings, 'asc_h') and not has(findings, 'agc'));
create view cancer as select distinct person, date from (
  select person, date from tissue where worst = 'cancer' union all
  select person, date from event where kind = 'diagnosed' and (starts_with(code, 'C53') or code in ('scc', 'adenocarcinoma')));
create view cytology_day as select person, date, bool_or(valid) as valid from cytology group by person, date;
create view tested_day as select distinct person, date from answered;
create view not_negative as select person, date from hpv where positive union all
  select person, date from cytology where len(list_filter(findings, lambda f: f not in ('unsatisfactory', 'nilm'))) > 0;
create view clinician as select person, date from hpv where sample <> 'self' union all select person, date from cytology;
create view appointment as select person, for_date as date from event where kind = 'appointment_booked'
   and coalesce("to", 'colposcopy') = 'colposcopy' and for_date is not null union all select person, date from visit;
"""
CIN2 = "o.worst in ('cin2', 'cin3', 'cancer')"
CIN3 = "o.worst in ('cin3', 'cancer')"
HIGH = "o.worst in ('cin2', 'cin3')"
POSITIVE = "u.positive"
HOME = "u.positive and u.sample = 'self'"
_HPV = "(select person, date from hpv where valid)"
_CYTOLOGY = "(select person, date from cytology where valid)"


def since(number):
    return f"date '2025-01-01' - interval {number} month"


def covered(source, number):
    return reached(source, "u.date", start=since(number))


def risk(name):
    def asked(kind, states="true"):
        return reached("opened", months(6), where=f"o.kind = '{kind}' and {states}")

    missing = asked("obtain_triage", "o.state in ('open', 'withdrawn')")
    word = f"""case when not u.valid then 'unassigned' when {asked("refer")} then 'higher' when {asked("repeat_test")}
                    then 'intermediate' when {missing} then 'unassigned' else 'low' end"""
    return share(each("screen"), f"{word} = '{name}'")


def graded(so):
    recent = f"u.date <= {last('high_cytology')} + 90"
    return first("referral", recent if so else f"not coalesce({recent}, false)")


_WITH_ORGAN = with_organ()
_OLDER = "years(u.born, u.date) >= 50"
_OF_CIN = (
    f"coalesce(u.date <= {last('lesion', where=HIGH)} + interval 12 month, false)"
    f" and not coalesce(u.date <= {last('cancer')} + interval 12 month, false)"
)
_ALONE = f"u.worst = 'cin1' and not {reached('lesion', months(12), where=CIN2)}"
_IN_TIME = f"not (u.state = 'withdrawn' and u.closed_on <= {months(6)})"
QUERIES = {
    **{name: query for name, query in general(INTERVAL).items() if name != "round_length"},
    "test_coverage_3_5y": share(
        living(f"{last('answered')} is null or {last('answered')} is distinct from {last(_HPV)}"), covered("answered", 42)
    ),
    "test_coverage_own_interval": share(living(), f"{covered(_HPV, 66)} or {covered(_CYTOLOGY, 42)}"),
    "hpv_positivity": share(each("tested"), POSITIVE),
    "invalid_rate": share(each("specimen"), "not u.valid"),
    "unsatisfactory_cytology": share(each("cytology_day"), "not u.valid"),
    "colposcopy_referral_rate": share(first("tested"), reached("referral", months(6))),
    "colposcopy_referral_rate_cumulative": share(first("tested"), reached("referral", months(36))),
    "colposcopy_attendance_90d": share(first("referral"), reached("visit", days(90))),
    "colposcopy_attendance_15mo": share(first("referral"), reached("visit", months(15))),
    **{f"colposcopy_incidence_{n}d": waiting(first("referral"), "visit", n) for n in (90, 180, 365)},
    "time_to_colposcopy": median(first("referral"), "visit", months(12)),
    "self_sample_follow_up": share(
        first("tested", HOME),
        f"{reached('clinician', months(6), strict=True)} or {reached('visit', months(6), strict=True)}",
    ),
    "repeat_test_compliance": share(
        each("due", f"u.kind = 'repeat_test' and {_IN_TIME}"),
        reached("answered", months(6), start=months(-3), where="o.date > u.opened_on"),
    ),
    "high_grade_cytology_histology_12mo": share(each("high_cytology"), reached("tissue", months(12))),
    "cin2_plus_detection_rate": share(first("tested"), reached("lesion", months(18), where=CIN2)),
    "cin3_plus_detection_rate": share(first("tested"), reached("lesion", months(18), where=CIN3)),
    "cancer_detection_rate": share(first("tested"), reached("cancer", months(18))),
    "ppv_positive_test": share(first("tested", POSITIVE), reached("lesion", months(18), where=CIN2)),
    "ppv_referral": share(first("referral"), reached("lesion", months(12), where=CIN2)),
    "ppv_colposcopy": share(first("visit"), reached("lesion", months(6), where=CIN2)),
    "treatment_rate": share(first("lesion", "u.worst in ('cin2', 'cin3', 'cancer')"), reached("treatment", months(12))),
    "cin1_treated": share(first("lesion", _ALONE), reached("treatment", months(12))),
    "hysterectomy_for_cin": share(
        lambda fit: f"select person, date, min(code) as code from ({each('treatment', _OF_CIN)(fit)}) group by person, date"
        " qualify row_number() over (partition by person order by date) = 1",
        "u.code in ('hysterectomy', 'total_hysterectomy')",
    ),
    "test_of_cure_attendance": share(first("treatment"), reached("answered", months(12), start=months(3))),
    "test_of_cure_failure": share(first("treatment"), reached("not_negative", months(12), start=months(3))),
    "test_of_cure_failure_of_tested": share(
        lambda fit: f"select * from ({first('treatment')(fit)}) u where {reached('answered', months(12), start=months(3))}",
        reached("not_negative", months(12), start=months(3)),
    ),
    "coverage_en": share(
        living(_WITH_ORGAN), f"case when {_OLDER} then {covered('answered', 66)} else {covered('answered', 42)} end"
    ),
    "test_coverage_nordscreen_3y": share(living(), covered("answered", 36)),
    "test_coverage_nordscreen_10y": share(living(), covered("answered", 120)),
    "participation_au": share(living(), covered(_HPV, 66)),
    "participation_au_standardised": share(living(), covered(_HPV, 66)),
    **{f"risk_{name}": risk(name) for name in ("low", "intermediate", "higher", "unassigned")},
    "self_sample_cytology_6mo": share(first("tested", f"{HOME} and not u.type_16_18"), reached("cytology", months(6))),
    "self_sample_colposcopy_6mo": share(first("tested", f"{HOME} and u.type_16_18"), reached("visit", months(6))),
    "result_turnaround_14d": told_in_time(lambda day: f"{day} > {days(14)}"),
    "colposcopy_offer_2wk": share(graded(so=True), reached("appointment", days(14))),
    "colposcopy_offer_6wk": share(graded(so=False), reached("appointment", days(42))),
    "ppv_high_grade_cytology": share(each("high_cytology"), reached("lesion", months(6), where=CIN2)),
    "high_grade_detection_rate": share(first("tested_day"), reached("lesion", months(12), where=HIGH)),
    "biopsy_rate": share(first("visit"), reached("tissue", months(3))),
    "biopsy_yield": share(
        lambda fit: f"select * from ({first('visit')(fit)}) u where {reached('tissue', months(3))}",
        reached("lesion", months(3), where=HIGH),
    ),
    "interval_cancer_rate": at_risk(each("came", "not u.positive"), "60 month"),
    "cancer_incidence": lived,
    "cancer_without_screening": share(
        each("(select person, min(date) as date from cancer group by person)"),
        f"not {reached('answered', months(-6), start=months(-66))}",
    ),
}  # fmt: skip
