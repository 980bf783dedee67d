package staging

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/windrow-data/windrow/pipeline"
)

// AppendReject appends a rejected row to five columns of b, from the given one on: scope (string, null where there is
// none), row (int64), reason (string), raw (string) and the row's time (timestamp, null where it could not be read).
// Bytes that are not UTF-8 are written as \xNN, since readers refuse a whole file for one.
func AppendReject(b *array.RecordBuilder, from int, r pipeline.Reject) {
	if scope := b.Field(from).(*array.StringBuilder); r.Scope == "" {
		scope.AppendNull()
	} else {
		scope.Append(r.Scope)
	}
	b.Field(from + 1).(*array.Int64Builder).Append(r.Row)
	b.Field(from + 2).(*array.StringBuilder).Append(printable(r.Reason))
	b.Field(from + 3).(*array.StringBuilder).Append(printable(r.Raw))
	if at := b.Field(from + 4).(*array.TimestampBuilder); r.At == pipeline.NoInstant {
		at.AppendNull()
	} else {
		at.Append(arrow.Timestamp(r.At))
	}
}

// AppendCulprit appends what is wrong with a rejected row to two columns of b: the field and its value's shape (strings, null where the
// row as a whole is wrong).
func AppendCulprit(b *array.RecordBuilder, from int, r pipeline.Reject) {
	for i, text := range []string{r.Field, r.Shape} {
		if into := b.Field(from + i).(*array.StringBuilder); r.Field == "" {
			into.AppendNull()
		} else {
			into.Append(printable(text))
		}
	}
}
