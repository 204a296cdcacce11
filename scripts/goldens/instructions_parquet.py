"""Makes Tests/InstructionsTests/Fixtures/parquet: made-up records in the column types that the hub's Parquet files of gsm8k, hellaswag,
winogrande, ai2_arc, mmlu, MATH and Infinity Instruct have, each beside the same records as JSON lines; and a table of every
column type. Run with pyarrow 26 from the repository's root:

    python3 scripts/goldens/instructions_parquet.py
"""

import datetime
import decimal
import json
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "InstructionsTests" / "Fixtures" / "parquet"
TEXT = pa.string()
TEXTS = pa.list_(pa.string())

DATASETS = {
    "gsm8k": (
        pa.schema({"question": TEXT, "answer": TEXT}),
        [
            {"question": "Tom has 3 apples & eats <1>. 中文 🙂?", "answer": "3 - 1 = <<3-1=2>>2\n#### 2"},
            {"question": "How many?", "answer": "It is\n#### 1,200"},
        ],
    ),
    "hellaswag": (
        pa.schema(
            {
                "ind": pa.int32(), "activity_label": TEXT, "ctx_a": TEXT, "ctx_b": TEXT, "ctx": TEXT, "endings": TEXTS, "source_id": TEXT,
                "split": TEXT, "split_type": TEXT, "label": TEXT,
            }
        ),
        [
            {
                "ind": 4, "activity_label": "Pole", "ctx_a": "He runs.", "ctx_b": "he", "ctx": "He runs. he", "endings": ["a", "b", "", "d🙂"],
                "source_id": "s~1", "split": "train", "split_type": "indomain", "label": "3",
            },
            {
                "ind": 5, "activity_label": "Bar", "ctx_a": "", "ctx_b": "she", "ctx": "x she", "endings": ["e", "f", "g", "h"],
                "source_id": "s~2", "split": "test", "split_type": "zeroshot", "label": "",
            },
        ],
    ),
    "winogrande": (
        pa.schema({"sentence": TEXT, "option1": TEXT, "option2": TEXT, "answer": TEXT}),
        [
            {"sentence": "Ann met Bo because _ was late.", "option1": "Ann", "option2": "Bo", "answer": "2"},
            {"sentence": "The _ fell.", "option1": "cup", "option2": "tea", "answer": ""},
        ],
    ),
    "ai2_arc": (
        pa.schema({"id": TEXT, "question": TEXT, "choices": pa.struct({"text": TEXTS, "label": TEXTS}), "answerKey": TEXT}),
        [
            {"id": "M1", "question": "Why?", "choices": {"text": ["x", "y", "z"], "label": ["A", "B", "C"]}, "answerKey": "B"},
            {"id": "M2", "question": "How?", "choices": {"text": ["x", "y"], "label": ["1", "2"]}, "answerKey": "1"},
        ],
    ),
    "mmlu": (
        pa.schema({"question": TEXT, "subject": TEXT, "choices": TEXTS, "answer": pa.int64()}),
        [
            {"question": "B?", "subject": "college_physics", "choices": ["a", "b", "c", "d"], "answer": 0},
            {"question": "C?", "subject": "anatomy", "choices": ["a", "", "c", "d"], "answer": 3},
        ],
    ),
    "math": (
        pa.schema({"problem": TEXT, "level": TEXT, "type": TEXT, "solution": TEXT}),
        [
            {"problem": "$x^2<4$?", "level": "Level 1", "type": "Algebra", "solution": "So $\\boxed{\\frac{1}{2}}$."},
            {"problem": "p", "level": "Level ?", "type": "Geometry", "solution": "No box."},
        ],
    ),
    "infinity-instruct": (
        pa.schema(
            {
                "id": pa.int64(),
                "conversations": pa.list_(pa.struct({"from": TEXT, "value": TEXT})),
                "label": pa.struct({"ability_en": TEXTS, "ability_zh": TEXTS, "cate_ability_en": TEXTS, "cate_ability_zh": TEXTS}),
                "langdetect": TEXT,
                "source": TEXT,
            }
        ),
        [
            {
                "id": 1,
                "conversations": [{"from": "human", "value": "Prove it."}, {"from": "gpt", "value": "Done."}],
                "label": {
                    "ability_en": ["logical reasoning", "programming"], "ability_zh": ["推理", "编程"], "cate_ability_en": ["reasoning"],
                    "cate_ability_zh": ["推理"],
                },
                "langdetect": "en",
                "source": "s",
            },
            {
                "id": 2,
                "conversations": [
                    {"from": "system", "value": "Be brief."}, {"from": "human", "value": "你好"}, {"from": "gpt", "value": "好"},
                    {"from": "human", "value": "再见"}, {"from": "gpt", "value": "走好"},
                ],
                "label": {"ability_en": [], "ability_zh": [], "cate_ability_en": [], "cate_ability_zh": []},
                "langdetect": "zh-cn",
                "source": "t",
            },
        ],
    ),
}
PACKINGS = ["snappy", "zstd", "gzip", "none", "brotli", "lz4", "snappy"]


def every_type():
    """A table with a column of each type, and the values that a JSON form of it would have (dates and times as stored)."""
    moment = datetime.datetime(2024, 1, 2, 3, 4, 5)
    columns = {
        "bool": (pa.array([True, None, False]), [True, None, False]),
        "int8": (pa.array([-1, None, 127], pa.int8()), [-1, None, 127]),
        "int16": (pa.array([-1, None, 2**15 - 1], pa.int16()), [-1, None, 2**15 - 1]),
        "int64": (pa.array([-(2**63), None, 2**63 - 1], pa.int64()), [-(2**63), None, 2**63 - 1]),
        "uint8": (pa.array([0, None, 255], pa.uint8()), [0, None, 255]),
        "uint32": (pa.array([0, None, 2**32 - 1], pa.uint32()), [0, None, 2**32 - 1]),
        "uint64": (pa.array([0, None, 2**63], pa.uint64()), [0.0, None, float(2**63)]),
        "float": (pa.array([1.5, None, -0.25], pa.float32()), [1.5, None, -0.25]),
        "double": (pa.array([0.1, None, 1e300]), [0.1, None, 1e300]),
        "string": (pa.array(["", None, "中🙂\x00é"]), ["", None, "中🙂\x00é"]),
        "large_string": (pa.array(["a", None, "b"], pa.large_string()), ["a", None, "b"]),
        "string_view": (pa.array(["short", None, "longer than twelve bytes"], pa.string_view()), ["short", None, "longer than twelve bytes"]),
        "binary": (pa.array([b"x", None, b"y"], pa.binary()), ["x", None, "y"]),
        "dictionary": (pa.array(["p", None, "p"]).dictionary_encode(), ["p", None, "p"]),
        "list": (pa.array([[1, None], None, []], pa.list_(pa.int64())), [[1, None], None, []]),
        "large_list": (pa.array([["u"], None, ["v", "w"]], pa.large_list(TEXT)), [["u"], None, ["v", "w"]]),
        "fixed_list": (pa.array([[1, 2], [3, 4], [5, 6]], pa.list_(pa.int32(), 2)), [[1, 2], [3, 4], [5, 6]]),
        "nested": (pa.array([[[1], []], None, [[2, 3]]], pa.list_(pa.list_(pa.int64()))), [[[1], []], None, [[2, 3]]]),
        "struct": (
            pa.array([{"a": 1, "b": {"c": ["x"]}}, None, {"a": None, "b": None}], pa.struct({"a": pa.int64(), "b": pa.struct({"c": TEXTS})})),
            [{"a": 1, "b": {"c": ["x"]}}, None, {"a": None, "b": None}],
        ),
        "map": (pa.array([[("k", 1)], None, []], pa.map_(TEXT, pa.int64())), [[{"key": "k", "value": 1}], None, []]),
        "null": (pa.nulls(3), [None, None, None]),
        "date": (pa.array([datetime.date(1970, 1, 3), None, datetime.date(1969, 12, 31)]), [2, None, -1]),
        "timestamp": (pa.array([moment, None, moment], pa.timestamp("ms")), [1704164645000, None, 1704164645000]),
    }
    table = pa.table({name: values for name, (values, _) in columns.items()})
    # A type that is left out of the records.
    table = table.append_column("decimal", pa.array([decimal.Decimal("1.5")] * 3))
    rows = [{name: expected[row] for name, (_, expected) in columns.items()} for row in range(3)]
    return table, rows


def expanding():
    """Tables of a few hundred bytes on disk and gigabytes in memory, by name: runs of one value take no room in a file."""
    def repeated(value, count):
        return pa.DictionaryArray.from_arrays(pa.array(memoryview(bytes(4 * count)).cast("i"), pa.int32()), pa.array([value]))

    # 20,000 rows of the same text of 1 MB.
    yield "expanding-texts", pa.table({"prompt": repeated("x" * (1 << 20), 20_000), "response": repeated("y", 20_000)}), {}
    # One row with a list of 100 million numbers.
    count = 100_000_000
    numbers = pa.Array.from_buffers(pa.int8(), count, [None, pa.py_buffer(bytes(count))])
    yield "expanding-list", pa.table({"text": ["a"], "numbers": pa.ListArray.from_arrays(pa.array([0, count], pa.int32()), numbers)}), {}
    # 10 million rows of nothing.
    yield "expanding-rows", pa.table({"text": pa.nulls(10_000_000)}), {"row_group_size": 10_000_000}


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


if __name__ == "__main__":
    FIXTURES.mkdir(parents=True, exist_ok=True)
    for (name, (schema, rows)), packing in zip(DATASETS.items(), PACKINGS):
        # Small row groups, so that a batch ends inside a file.
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), FIXTURES / f"{name}.parquet", compression=packing, row_group_size=1)
        write_rows(FIXTURES / f"{name}.jsonl", rows)
    table, rows = every_type()
    pq.write_table(table, FIXTURES / "types.parquet", compression="zstd")
    write_rows(FIXTURES / "types.jsonl", rows)
    pq.write_table(pa.table({"question": pa.array([], TEXT)}), FIXTURES / "empty.parquet")
    bad = pa.array([b"ok", b"\xff\xfe"]).cast(pa.binary())
    pq.write_table(pa.table({"text": bad}), FIXTURES / "not-utf8.parquet")
    for name, table, options in expanding():
        pq.write_table(table, FIXTURES / f"{name}.parquet", compression="zstd", data_page_size=1 << 40, store_schema=False, **options)
    (FIXTURES / "README.md").write_text(f"Made by scripts/goldens/instructions_parquet.py with pyarrow {pa.__version__}.\n")
