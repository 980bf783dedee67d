package vendorsim

import (
	"encoding/json"
	"io"
	"strconv"
)

// answer streams a JSON array of flat objects.
type answer struct {
	w     io.Writer
	buf   []byte
	rows  int
	field int
}

func (a *answer) begin() {
	if a.rows == 0 {
		a.buf = append(a.buf, '[')
	} else {
		a.buf = append(a.buf, ',')
	}
	a.buf = append(a.buf, '{')
	a.rows++
	a.field = 0
}

func (a *answer) key(k string) {
	if a.field > 0 {
		a.buf = append(a.buf, ',')
	}
	a.field++
	a.buf = strconv.AppendQuote(a.buf, k)
	a.buf = append(a.buf, ':')
}

func (a *answer) text(k, v string) {
	a.key(k)
	b, _ := json.Marshal(v) // escapes < and > as Gson does
	a.buf = append(a.buf, b...)
}

func (a *answer) int(k string, v int64) {
	a.key(k)
	a.buf = strconv.AppendInt(a.buf, v, 10)
}

func (a *answer) float(k string, v float64) {
	a.key(k)
	a.buf = strconv.AppendFloat(a.buf, v, 'f', -1, 64)
}

func (a *answer) raw(k, v string) {
	a.key(k)
	a.buf = append(a.buf, v...)
}

func (a *answer) end() {
	a.buf = append(a.buf, '}')
	if len(a.buf) > 32<<10 {
		a.flush()
	}
}

func (a *answer) flush() {
	_, _ = a.w.Write(a.buf)
	a.buf = a.buf[:0]
}

// close ends the array; one without rows is "[]".
func (a *answer) close() {
	if a.rows == 0 {
		a.buf = append(a.buf, '[')
	}
	a.buf = append(a.buf, ']')
	a.flush()
}
