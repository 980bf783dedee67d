package bigquerytest

import (
	"fmt"
	"strings"
)

// structs translates UNNEST(ARRAY<STRUCT<name type, …>>[(…), …]), an array of typed structs as a source of rows: "Data
// types", section "Constructing an array", and "Query syntax", UNNEST. DuckDB gets VALUES, with a cast of each column,
// so that a column of nulls has a type.
func (w *writer) structs() *apiError {
	w.pos += 5 // UNNEST ( ARRAY < STRUCT
	if !w.at(w.pos).is("<") {
		return unmodelled("structs without types")
	}
	var casts, names []string
	for w.pos++; ; {
		name, typ := w.at(w.pos), w.at(w.pos+1)
		duck := scalarTypes[strings.ToUpper(typ.text)]
		if name.kind > quotedToken || typ.kind != wordToken || duck == "" {
			return unmodelled("structs of anything but named scalars")
		}
		own := fmt.Sprintf("c%d", len(names))
		names = append(names, own)
		casts = append(casts, fmt.Sprintf("CAST(%s AS %s) AS %s", own, duck, duckName(name.text)))
		if w.pos += 2; w.at(w.pos).is(",") {
			w.pos++
			continue
		}
		break
	}
	for closing := 0; closing < 2; w.pos++ {
		if t := w.at(w.pos); !t.is(">") && !t.is(">>") {
			return unmodelled("structs of anything but named scalars")
		}
		closing += len(w.at(w.pos).text)
	}
	if !w.at(w.pos).is("[") {
		return unmodelled("an array type without its elements")
	}
	w.pos++
	w.open = append(w.open, frame{close: ") AS t (" + strings.Join(names, ", ") + "))"}, frame{})
	w.emit("(SELECT " + strings.Join(casts, ", ") + " FROM (VALUES")
	return nil
}
