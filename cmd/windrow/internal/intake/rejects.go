package intake

import (
	"bufio"
	"encoding/csv"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"github.com/windrow-data/windrow/cmd/windrow/internal/draft"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/push"
)

// Rejects are the refused rows of an input on their way to a file of their own, which can be corrected and pushed: the
// input's columns as they were, and the columns _row and _reason. The rows wait in a file without a name until [Rejects.Close] knows
// all columns; the file appears at once, and where no row was refused none does.
type Rejects struct {
	path  string
	comma rune
	wait  *os.File // nil until a row is refused
	out   *bufio.Writer
	to    *gob.Encoder
}

// NewRejects prepares the file at a path. read are the paths of what the push reads, which must be other files.
func NewRejects(path string, comma rune, read ...string) (*Rejects, error) {
	there, _ := os.Stat(path) // nil where there is no file to be replaced
	for _, name := range read {
		if one, err := os.Stat(name); err == nil && there != nil && os.SameFile(one, there) {
			return nil, refused(path, "name another file by --rejects", fmt.Errorf("the rejects would replace %s, which the push reads", name))
		}
	}
	draft.Sweep(path, draftKind) // a killed push's hold people's addresses, and this one may refuse no row
	return &Rejects{path: path, comma: comma}, nil
}

// draftKind is in the names of drafts of such files.
const draftKind = "rejects"

// waiting is a refused row until the columns are known.
type waiting struct {
	Row    int
	Reason string
	Cells  []string
}

// Add notes a refused row. It keeps nothing of r.
func (r *Rejects) Add(refusal push.Refusal) error {
	if r.wait == nil {
		file, err := os.CreateTemp(filepath.Dir(r.path), ".windrow-"+draftKind+"-") // of mode 0600
		if err != nil {
			return r.failed(err)
		}
		r.wait = file
		_ = os.Remove(file.Name()) // Close removes it where an open file cannot be
		r.out = bufio.NewWriter(file)
		r.to = gob.NewEncoder(r.out)
	}
	if err := r.to.Encode(waiting{refusal.Row, Reason(refusal), refusal.Cells}); err != nil {
		return r.failed(err)
	}
	return nil
}

// Reason is why a row is refused, in a line.
func Reason(r push.Refusal) string {
	reason := r.Problem
	if r.Column != "" {
		reason = r.Column + " " + reason
	}
	if r.Remedy != "" {
		reason += "; " + r.Remedy
	}
	return reason
}

func (r *Rejects) failed(err error) error {
	kind := pipeline.Internal
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOTDIR) {
		kind = pipeline.Invalid // the place was named so
	}
	return &pipeline.Error{Op: "write " + r.path, Kind: kind, Hint: "name another place by --rejects", Err: withoutPath(err)}
}

// Close writes the file, where a row was refused, and returns its path; empty where there is none. columns are the
// input's.
func (r *Rejects) Close(columns []string) (path string, err error) {
	if r.wait == nil {
		return "", nil
	}
	defer r.Abort()
	if err := r.out.Flush(); err != nil {
		return "", r.failed(err)
	}
	if _, err := r.wait.Seek(0, io.SeekStart); err != nil {
		return "", r.failed(err)
	}
	if err := r.publish(columns); err != nil {
		return "", r.failed(err)
	}
	return r.path, nil
}

// Abort forgets the rows. It is idempotent.
func (r *Rejects) Abort() {
	if r.wait != nil {
		_ = r.wait.Close()
		_ = os.Remove(r.wait.Name()) // mostly gone
		r.wait = nil
	}
}

// publish writes the file beside its place and renames it.
func (r *Rejects) publish(columns []string) error {
	file, err := draft.Create(r.path, draftKind, 0o600)
	if err != nil {
		return err
	}
	defer file.Discard()
	if err := r.write(file, columns); err != nil {
		return err
	}
	return file.Publish()
}

// The columns that a file of rejects has beside the input's.
const (
	rowColumn    = "_row"
	reasonColumn = "_reason"
)

func (r *Rejects) write(to io.Writer, columns []string) error {
	var kept []int // not those of a file of rejects that is pushed again
	var record []string
	for i, name := range columns {
		if name != rowColumn && name != reasonColumn {
			kept, record = append(kept, i), append(record, name)
		}
	}
	out := csv.NewWriter(to)
	out.Comma = r.comma
	if err := out.Write(append(record, rowColumn, reasonColumn)); err != nil {
		return err
	}
	for from := gob.NewDecoder(bufio.NewReader(r.wait)); ; {
		var w waiting
		if err := from.Decode(&w); err == io.EOF {
			out.Flush()
			return out.Error()
		} else if err != nil {
			return err
		}
		record = slices.Grow(record[:0], len(kept)+2)
		for _, i := range kept {
			if i < len(w.Cells) {
				record = append(record, w.Cells[i])
			} else {
				record = append(record, "")
			}
		}
		if err := out.Write(append(record, strconv.Itoa(w.Row), w.Reason)); err != nil {
			return fmt.Errorf("row %d: %w", w.Row, err)
		}
	}
}
