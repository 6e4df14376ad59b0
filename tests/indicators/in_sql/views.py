"""What the queries share: the tables, ages and places, and how a query is put together."""

YEAR = "between date '2024-01-01' and date '2024-12-31'"
LAST_DAY = "date '2024-12-31'"
CUT = "date '2028-01-01'"

TABLES = """
create table event as select * replace (string_split(nullif(findings, ''), ' ') as findings) from read_parquet('{0}/events/*/*.parquet') where programme in ('{1}', '');
create table obligation as from read_parquet('{0}/obligations/*/*.parquet') where programme = '{1}';
create table people as select person, born, sex from read_parquet('{0}/persons/*/*.parquet');
create table home as select person, since, until, case municipality when '0301' then 'Oslo' when '4601' then 'Vestland'
  else 'Finnmark' end as county from read_parquet('{0}/residences/*/*.parquet');
create macro county_on(who, day) as (select any_value(county) from home h where h.person = who and h.since <= day
  and (h.until is null or day < h.until));
create macro years(born, day) as datediff('month', born, date_trunc('month', day)::date) // 12;
create macro in_year(born, day) as year(day) - year(born);
create macro weekdays(a, b) as (select count(*) from range(a + interval 1 day, b + interval 1 day, interval 1 day) r(d)
  where isodow(r.d) < 6);
create macro has(findings, word) as list_contains(findings, word);
create view sending as select person, date, kind, coalesce(letter, kind) as letter from event
  where kind in ('invited', 'reminded', 'kit_dispatched') and coalesce(letter, '') <> 'kit_replacement';
create view leaving as select person, date from event where kind in ('died', 'emigrated');
create view referral as select person, date from event where kind = 'referred' and coalesce("to", '{2}') = '{2}';
create view visit as select person, date from event where kind = 'appointment_attended' and coalesce("to", '{2}') = '{2}';
create view kit as select person, date from event where kind = 'kit_dispatched';
create view back as select person, date from event where kind in ('kit_returned', 'kit_received', 'kit_rejected');
create view undeliverable as select person, date from event where kind in ('letter_undeliverable', 'kit_undeliverable');
create view treatment as select person, date, code from event where kind = 'treated';
create view gone as
with lost as (
    select person, date from event where kind = 'ceased' and code in ('no_cervix', 'no_breast', 'no_bowel', 'no_colon') union all
    select person, date from event where kind in ('ceased', 'treated')
       and code in ('hysterectomy', 'total_hysterectomy', 'bilateral_mastectomy', 'colectomy', 'total_colectomy'))
select * from lost;
create view taken_in as select person, date from event where kind = 'reinstated';
create view opened as select person, opened_on as date, kind, state from obligation;
create view due as select person, due_on as date, kind, state, opened_on, closed_on, evidence_on from obligation;
"""

# After the programme's own views of `specimen` (person, date, valid, positive, …) and `answered` (person, date).
SCREENS = """
create table call as
with day as (select person, date, bool_or(kind = 'invited') as invites, bool_or(kind = 'reminded') as reminds from sending group by all),
follows as (select *, lag(date) over (partition by person order by date) as before from day)
select person, date from follows f
 where before is null or invites or date > before + interval 6 month
   and (not reminds or date > before + interval 18 month
        or exists (from answered a where a.person = f.person and a.date >= f.before and a.date < f.date));
create table screen as
with owed as (
    select person, opened_on, episode, coalesce(evidence_on, closed_on, date '9999-12-31') as until from obligation
     where state <> 'withdrawn' and kind in ('repeat_test', 'obtain_triage', 'refer', 'attend', 'obtain_histology',
                                             'treat', 'test_of_cure')),
judged as (
    select s.*, (select min(o.episode) from owed o where o.person = s.person and o.opened_on < s.date and s.date <= o.until) as episode,
           (select max(p.date) from specimen p where p.person = s.person and p.valid and p.date < s.date) as earlier
      from specimen s)
select * from judged where episode is null or (valid and (earlier is null or earlier < episode));
create table tested as from screen where valid;
create table telling as
with owed as (
    select person, opened_on as known_on, evidence_on as told_on, case when state = 'withdrawn' then closed_on end as withdrawn_on
      from obligation where kind = 'give_result'),
every as (
    from owed union all
    select person, date, date, null from event e where kind = 'result_given'
       and not exists (from owed o where o.person = e.person and o.told_on = e.date))
select e.*, (select max(s.date) from specimen s where s.person = e.person and s.date <= e.known_on) as tested_on from every e;
create table followed as
select t.*, (select min(n.date) from tested n where n.person = t.person and n.date > t.date) as next_on,
       (select min(c.date) from cancer c where c.person = t.person and c.date >= t.date) as first_cancer,
       t.positive and exists (from cancer c where c.person = t.person and c.date between t.date and t.date + interval {0} month) as found
  from tested t;
create table came as select *, case when not found and (next_on is null or first_cancer < next_on) then first_cancer end as came_on
  from followed;
"""


def of_age(ages, sexes):
    """A condition on `p` (people) and `u.date`."""
    low, high, rule = ages
    sex = " and p.sex = 'female'" if sexes == "female" else ""
    if rule == "all":
        return f"true{sex}"
    years = {"completed": "years(p.born, u.date)", "in_year": "in_year(p.born, u.date)"}[rule]
    return f"{years} between {low} and {high - 1}{sex}"


def each(source, where="true"):
    return lambda fit: (
        f"select u.*, p.born from {source} u join people p using (person) where u.date {YEAR} and ({where}) and {fit}"
    )


def first(source, where="true"):
    """One row a person: the first, of several of one day the first as the dataset sorts them."""
    return lambda fit: (
        f"select * from ({each(source, where)(fit)}) u qualify row_number() over (partition by person order by date) = 1"
    )


def residents(fit, where="true"):
    return (
        f"select u.person, u.date, p.born from (select person, {LAST_DAY} as date from people) u join people p using (person)"
        f" where {fit} and county_on(u.person, u.date) is not null and ({where})"
    )


def living(where="true"):
    return lambda fit: residents(fit, where)


def reached(source, upto, *, start="u.date", strict=False, where="true"):
    """Whether a row of the source lies from the unit's day (or `start`) up to a day."""
    after = ">" if strict else ">="
    return f"exists (from {source} o where o.person = u.person and o.date {after} {start} and o.date <= {upto} and ({where}))"


def months(number, day="u.date"):
    return f"{day} + interval {number} month" if number >= 0 else f"{day} - interval {-number} month"


def days(number):
    return f"u.date + {number}"


def last(source, *, strict=False, where="true"):
    before = "<" if strict else "<="
    return f"(select max(o.date) from {source} o where o.person = u.person and o.date {before} u.date and ({where}))"


def following(source, where="true"):
    return (
        f"(select min(o.date) from {source} o where o.person = u.person and o.date >= u.date and ({where}))"
    )


def with_organ():
    """On the unit's day: nothing was told of its loss, or the person was taken in again later."""
    return f"({last('gone')} is null or coalesce({last('taken_in')} > {last('gone')}, false))"


def number(source, since):
    return f"(select count(distinct o.date) from {source} o where o.person = u.person and o.date >= {since} and o.date <= u.date)"


def share(units, counted):
    """County, numerator, denominator."""

    def query(fit):
        return f"""select coalesce(county_on(u.person, u.date), 'unknown') as county, count(*) filter ({counted}), count(*), null
                     from ({units(fit)}) u group by 1"""

    return query


def told_in_time(late):
    """Of the tests that were told or to be told those that were told before it was late, which is told of a day."""
    owed = f"t.person = u.person and t.tested_on = u.date and coalesce(t.withdrawn_on < u.date or {late('t.withdrawn_on')}, true)"
    return share(
        lambda fit: f"select * from ({each('tested')(fit)}) u where exists (from telling t where {owed})",
        f"exists (from telling t where {owed} and t.told_on >= u.date and not {late('t.told_on')})",
    )


def mean(units, many, among="true"):
    def query(fit):
        return f"""select coalesce(county_on(u.person, u.date), 'unknown'), sum({many})::bigint, count(*), avg({many})
                     from ({units(fit)}) u where {among} group by 1"""

    return query


def median(units, source, upto):
    def query(fit):
        return f"""select county, count(*), count(*), median(waited) from (
                     select coalesce(county_on(u.person, u.date), 'unknown') as county, datediff('day', u.date, {following(source)}) as waited
                       from ({units(fit)}) u where {following(source)} <= {upto}) group by 1"""

    return query


def waiting(units, source, day):
    """Outcomes that came by the day and not after death or emigration."""
    outcome, left = following(source), following("leaving")
    by_then = f"{outcome} <= u.date + {day} and ({left} is null or {outcome} <= {left})"
    return share(units, by_then)


def at_risk(units, length, begin="0 day", kinds="true"):
    """Days at risk; counted where a cancer, of these kinds, ended them."""
    end = f"least(u.came_on, u.next_on, {following('leaving')}, u.date + interval {length}, {CUT})"
    start = f"u.date + interval {begin}"
    later = "ending >= beginning" if begin == "0 day" else "ending > beginning"

    def query(fit):
        return f"""select coalesce(county_on(person, date), 'unknown'), count(*) filter (came_on = ending and {kinds}),
                          sum(datediff('day', beginning, ending))::bigint, null
                     from (select u.*, ({end})::date as ending, ({start})::date as beginning from ({units(fit)}) u) u
                    where {later} group by 1"""

    return query


def lived(fit, cancer="cancer"):
    """Days lived here in 2024 by whoever is of the ages in its middle, and first cancers."""
    here = f"""select h.county, 0 as ill, datediff('day', greatest(h.since, date '2024-01-01'),
                      least(coalesce(h.until, date '9999-12-31'), date '2025-01-01')) as days
                 from (select *, date '2024-07-02' as date from home) h join people p using (person), lateral (select h.date) u
                where h.since < date '2025-01-01' and (h.until is null or h.until > date '2024-01-01') and {fit}"""
    ill = f"""select coalesce(county_on(u.person, u.date), 'unknown'), 1, 0
                from (select person, min(date) as date from {cancer} group by person) u join people p using (person)
               where u.date {YEAR} and {fit}"""
    return f"select county, sum(ill)::bigint, sum(days)::bigint, null from ({here} union all {ill}) t(county, ill, days) group by 1"


def general(interval):
    """Queries of every programme."""
    since = f"date '2025-01-01' - interval {interval + 6} month"
    late = "(u.state = 'withdrawn' and u.closed_on <= u.date + 30)"
    calls_due = "(select *, coalesce(evidence_on <= date + 30, false) as in_time from due where kind in ('invite', 'remind', 'dispatch_kit'))"
    before = "(select max(c.date) from call c where c.person = u.person and c.date < u.date)"
    return {
        "invitation_coverage": lambda fit: f"""
            select coalesce(county_on(person, date), 'unknown'), count(*) filter (in_time), count(*), null from (
              select person, date, bool_and(in_time) as in_time from ({each(calls_due, f"not {late}")(fit)}) group by person, date
              qualify row_number() over (partition by person order by date) = 1) group by 1""",
        "invited_in_round": share(living(), reached("call", "u.date", start=months(-interval, "date '2025-01-01'"))),
        "participation": share(first("call"), reached("answered", months(6))),
        "response_to_reminder": share(first("sending", "u.kind = 'reminded'"), reached("answered", months(12))),
        "retention": share(
            lambda fit: f"""select * from ({first("call")(fit)}) u where exists (from answered a where a.person = u.person
                              and a.date >= {before} and a.date < u.date)""",
            reached("answered", months(6)),
        ),
        "undeliverable_rate": share(
            each("sending"),
            reached("undeliverable", f"least(({days(90)})::date, (select min(n.date) from sending n where n.person = u.person and n.date > u.date))"),
        ),
        "kit_return_90d": share(each("kit"), reached("back", days(90))),
        "kit_return_180d": share(each("kit"), reached("back", days(180))),
        "round_length": share(
            lambda fit: f"select *, {last('tested', strict=True)} as since from ({first('call')(fit)}) u where {last('tested', strict=True)} is not null",
            f"u.date <= {months(interval, 'u.since')}",
        ),
        "test_coverage": share(living(), reached("answered", "u.date", start=since)),
        "test_capacity": mean(living(), number("answered", since)),
        "overscreening_index": mean(living(), number("answered", since), among=f"{number('answered', since)} > 0"),
        "never_screened": share(living(), f"{last('answered')} is null"),
    }  # fmt: skip
