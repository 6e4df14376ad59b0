"""HEAD answers what GET would, but the content: also where it refuses."""

import pytest

from screening.vocabulary import Role

PATHS = [
    "/indicators",
    "/indicators/participation",
    "/indicators/nothing",
    "/indicators?period=2023&ids=test_coverage&by=county",
    "/indicators?period=2023&ids=test_coverage&by=municipality",
    "/indicators?period=2023&format=csv",
    "/indicators?period=2023&format=html",
    "/indicators?period=2023&ids=test_coverage&format=xlsx",
    "/indicators?period=2023&format=pdf",
    "/indicators?period=2030",
    "/indicators?period=2023&conty=Oslo",
    "/published",
    "/published/7/county.csv",
    "/releases",
    "/releases/7",
    "/releases/7/files/county.csv",
    "/dashboard",
    "/dashboard/page.css",
    "/dashboard/no-cervical?period=2023",
    "/dashboard/no-cervical/counties.csv?indicator=participation&period=2023",
    "/dashboard/no-cervical/counties.pdf",
]
NOT_OF_THE_CONTENT = ("date", "connection", "transfer-encoding")


def told(answer):
    headers = {name: value for name, value in answer.headers.items() if name not in NOT_OF_THE_CONTENT}
    return answer.status_code, headers


@pytest.mark.parametrize("role", [Role.PROGRAMME_STAFF, Role.ANALYST, Role.LABORATORY, None])
async def test_head_is_answered_as_get_is(platform, role):
    async with platform.caller(*([] if role is None else [role])) as caller:
        caller.timeout = None  # charts are drawn here, and the machine may be busy
        for path in PATHS:
            get, head = await caller.get(path), await caller.head(path)
            assert (told(head), head.content) == (told(get), b""), path


async def test_other_forms_are_refused_in_the_same_way(platform):
    async with platform.caller(Role.PROGRAMME_STAFF) as caller:
        for accept in ("application/xml", "text/csv"):
            asked = {"url": "/indicators?period=2023", "headers": {"accept": accept}}
            assert told(await caller.head(**asked)) == told(await caller.get(**asked))
