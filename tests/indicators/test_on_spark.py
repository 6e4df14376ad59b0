"""The same objects on Spark give the same results, medians and curves included. Slow: `pytest -m scale -n 0`.

Needs the extra `spark` and Java: `uv sync --extra spark`, and a Java runtime on the PATH.
"""

import shutil
import sys
from datetime import date
from random import Random

import pytest

from analytics.extract.lives import dataset
from analytics.indicators.catalogue import CATALOGUE
from analytics.indicators.engine import compute, question
from analytics.indicators.measures import Quantile, Waiting
from analytics.indicators.period import period
from tests.indicators.random_lives import some_life
from tests.indicators.test_agreement_with_duckdb import CANCERS, write

PROGRAMME = "no-cervical"
pytestmark = [
    pytest.mark.scale,
    # how pyspark is written is not ours to warn about
    pytest.mark.filterwarnings("ignore:::pyspark"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def session(request):
    """Spark in local mode, two executors' threads, each with a Python of its own."""
    sql = pytest.importorskip("pyspark.sql", reason="the extra `spark` is not installed")
    if shutil.which("java") is None:
        pytest.skip("Spark needs a Java runtime on the PATH, and there is none")
    patch = pytest.MonkeyPatch()
    patch.setenv("PYSPARK_PYTHON", sys.executable)
    patch.setenv("POLARS_MAX_THREADS", "1")
    patch.setenv("PYTHONPATH", str(request.config.rootpath))
    builder = sql.SparkSession.builder.master("local[2]").appName("screening")
    opened = (
        builder.config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "2")
        .getOrCreate()
    )
    yield opened
    opened.stop()
    patch.undo()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    draw = Random("people counted on a cluster")
    people = [some_life(draw, CANCERS[PROGRAMME], PROGRAMME, "colposcopy") for _ in range(1500)]
    there = tmp_path_factory.mktemp("extract") / "data"
    there.mkdir()
    write(dataset(people, data_cut=date(2028, 1, 1), buckets=5), there)
    return there


@pytest.mark.parametrize("by", [(), ("county", "age_group", "year")])
def test_spark_and_one_process_give_the_same_figures(session, folder, by):
    from analytics.extract.dataset import open_extract
    from analytics.spark import Asked, compute_on_spark

    here = compute(open_extract(folder), question(PROGRAMME, period("2023-2024"), by=by)).frame
    there = compute_on_spark(session, folder, Asked(PROGRAMME, "2023-2024", by)).frame
    assert there.equals(here)
    told = {CATALOGUE[PROGRAMME][name].measure.__class__ for name in here["id"].unique()}
    assert {Quantile, Waiting} <= told
    assert here["numerator"].sum() > 1000
