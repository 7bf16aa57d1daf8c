import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mothsim.tables import Row, Schema, as_csv, read_table, write_table

SCHEMA: Schema = {"name": str, "level": float, "weights": int, "lost": bool}
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.one_of(
                st.sampled_from(["00", "007", "1e5", "nan", "True", "None", "a\rb", "a\nb", "\udcff"]), st.text()
            ),
            "level": st.none() | st.floats(allow_nan=False),
            "weights": st.none() | st.integers(),
            "lost": st.none() | st.booleans(),
        }
    )
)


@example(rows=[{"name": "a\rb", "level": 0.1, "weights": None, "lost": False}])
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS)
def test_every_value_comes_back_with_its_type(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> None:
    file = tmp_path_factory.mktemp("table") / "table.csv"
    write_table(rows, file, SCHEMA)
    again = read_table(file, SCHEMA)
    assert again == rows
    assert all(type(one[name]) is type(row[name]) for one, row in zip(again, rows, strict=True) for name in SCHEMA)
    assert as_csv(again, SCHEMA) == file.read_bytes()


def test_numbers_are_written_in_the_fewest_digits_that_give_them_back() -> None:
    rows = [{"a": 0.1 + 0.2, "b": np.float64(0.1), "c": np.int64(3), "d": np.bool_(True), "e": math.inf, "f": None}]
    assert as_csv(rows, rows[0]) == b"a,b,c,d,e,f\n0.30000000000000004,0.1,3,True,inf,\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,level,lost,weights\n", "line 1: expected the columns name,level,weights,lost"),
        ("", "line 1: expected the columns"),
        ("name,level,weights,lost\na,1.0,3\n", "line 2: expected 4 values, not 3"),
        ("name,level,weights,lost\na,1.0,3,True\nb,1.0,3.5,True\n", "line 3: weights = '3.5': expected a whole number"),
        ("name,level,weights,lost\na,x,3,True\n", "line 2: level = 'x': expected a number"),
        ("name,level,weights,lost\na,1.0,3,1\n", "line 2: lost = '1': expected True or False"),
        ('name,level,weights,lost\n"a,1.0,3,True\n', "line 2: "),
    ],
)
def test_a_damaged_table_is_refused_by_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "damaged.csv"
    file.write_text(text)
    with pytest.raises(ValueError, match=f"damaged.csv, {message}"):
        read_table(file, SCHEMA)


def test_a_row_without_a_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"rows\[1\]: expected a value for b"):
        write_table([{"a": 1, "b": 2}, {"a": 1}], tmp_path / "table.csv")
    with pytest.raises(ValueError, match="expected rows"):
        write_table([], tmp_path / "table.csv")
    assert not list(tmp_path.iterdir())
