"""Reads the rows of Parquet files, a batch at a time. The only place that knows pyarrow, which is optional."""

from collections.abc import Iterator, Mapping
from typing import Any

from pasta_toolkit.records.inputs import Input
from pasta_toolkit.records.record import Record, RecordFault

__all__ = ["read_rows"]

ROWS_PER_BATCH = 1024


def read_rows(source: Input, *, field: str, keep_fields: bool = False) -> Iterator[tuple[Record | RecordFault, ...]]:
    """Read a Parquet file in batches of rows, each a record or a fault.

    Raises:
        OSError: the file cannot be opened.
    """
    import pyarrow  # noqa: PLC0415
    from pyarrow.parquet import ParquetFile  # noqa: PLC0415

    path, number = source.label, 1
    try:
        with ParquetFile(source.path) as file:
            fault = _column_fault(path, field, file.schema_arrow)
            if fault is not None:
                yield (fault,)
                return
            for batch in file.iter_batches(ROWS_PER_BATCH, columns=None if keep_fields else [field]):
                yield tuple(_records(path, number, batch, field=field, keep_fields=keep_fields))
                number += batch.num_rows
    except pyarrow.ArrowException as error:
        yield (RecordFault(path, number, "broken-parquet", f"cannot read the Parquet file: {_one_line(error)}"),)
    except OSError as error:
        if error.errno is not None:
            raise
        yield (RecordFault(path, number, "broken-parquet", f"cannot read the Parquet file: {_one_line(error)}"),)


def _one_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0]


def _column_fault(path: str, field: str, schema: Any) -> RecordFault | None:
    from pyarrow import types  # noqa: PLC0415

    if field not in schema.names:
        names = ", ".join(map(repr, schema.names))
        return RecordFault(
            path, None, "missing-field", f"no column {field!r}: the columns are {names}; choose one of them"
        )
    kind = schema.field(field).type
    value_kind = kind.value_type if types.is_dictionary(kind) else kind
    if types.is_string(value_kind) or types.is_large_string(value_kind):
        return None
    return RecordFault(path, None, "not-a-string", f"column {field!r} holds {kind}, not strings")


def _records(path: str, first: int, batch: Any, *, field: str, keep_fields: bool) -> Iterator[Record | RecordFault]:
    texts = _values(batch.column(field))
    rows = _rows(batch) if keep_fields else [None] * len(texts)
    for number, (text, row) in enumerate(zip(texts, rows, strict=True), first):
        if isinstance(text, str):
            yield Record(path, number, text, row)
        elif text is None:
            yield RecordFault(path, number, "not-a-string", f"column {field!r} is null, not a string")
        else:
            yield RecordFault(path, number, "invalid-utf8", f"column {field!r} is not valid UTF-8")


def _rows(batch: Any) -> list[Mapping[str, Any]]:
    columns = {name: _values(batch.column(name)) for name in batch.schema.names}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _values(column: Any) -> list[Any]:
    """Return a column's values; strings that are not valid UTF-8 stay bytes."""
    try:
        values: list[Any] = column.to_pylist()
    except UnicodeDecodeError:
        return [_decoded(value.as_buffer()) for value in column]
    return values


def _decoded(buffer: Any) -> str | bytes | None:
    if buffer is None:
        return None
    data: bytes = buffer.to_pybytes()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data
