// Package inbox finds files that somebody has mailed or put down: attachments of
// mails in a mailbox or a folder, and files in a folder. It hands each over as
// CSV text in UTF-8 with commas, whatever it was.
//
// It knows no vendor and no window, reads no row, and changes nothing where it
// looks: a mailbox is examined and its mails stay unread. Start at [Place].
package inbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/pipeline"
)

// Place is where files arrive. All methods are safe for concurrent use.
type Place interface {
	// Look hands over each file that may have arrived since an instant, and those of the mails that are named by their
	// ids, in no order. The file is yield's, which closes it. A file that cannot be turned into text is handed over with
	// its Err. Look obeys ctx, retries what may pass and tells of each wait, and hands over each file once. Errors are
	// *[pipeline.Error] with a hint, and yield's own.
	Look(ctx context.Context, since time.Time, mails []string, tell Tell, yield func(*File) error) error
	// String tells the place to people, without a secret.
	String() string
}

// Tell tells people what is waited for, and until when; nil: nobody listens.
type Tell func(what string, until time.Time)

// File is one file that has arrived.
type File struct {
	Name string    // as it is called
	Mail string    // the id of the mail that it came with; empty where it came without
	At   time.Time // the mail's date, else when it was last written
	Err  error     // why there is no text; nil otherwise
	// Other tells that it is of a kind that is not read, and may be no export at all.
	Other bool
	Hash  [32]byte // of the file as it came

	text *scratch
}

// String tells the file to people.
func (f *File) String() string {
	if f.Mail != "" {
		return fmt.Sprintf("%s of the mail <%s>", f.Name, f.Mail)
	}
	return f.Name
}

// Open reads the text from its beginning. Several may read at once, until Close.
func (f *File) Open() io.ReadCloser { return whole{f.text.reader()} }

// Close gives the text's room back.
func (f *File) Close() {
	if f.text != nil {
		f.text.close()
	}
}

// whole is a text whose length is known, so that nothing is missing behind its end.
type whole struct{ io.Reader }

func (whole) Proven() bool { return true }
func (whole) Close() error { return nil }

// mostBytes bounds a file, and the text that it becomes.
const mostBytes = 1 << 30

// errTooLarge is the error of a file that is longer.
var errTooLarge = &pipeline.Error{
	Op: "read the export", Kind: pipeline.Malformed, Cause: pipeline.TooLong,
	Err: fmt.Errorf("it is longer than %d MiB", mostBytes>>20), Hint: "let the vendor export fewer days in one file",
}

// scratch is a temporary file that nobody else sees where the system allows that.
type scratch struct {
	disk connectors.Disk
	file connectors.TempFile
	size int64
}

func newScratch(d connectors.Disk) (*scratch, error) {
	f, err := d.Temp()
	if err != nil {
		return nil, &pipeline.Error{Op: "read the export", Kind: pipeline.Internal, Err: err, Hint: "the temporary folder must be writable"}
	}
	_ = d.Remove(f.Name()) // an open file cannot be removed on Windows: close does it there
	return &scratch{disk: d, file: f}, nil
}

// Write implements [io.Writer], up to a bound.
func (s *scratch) Write(p []byte) (int, error) {
	if s.size+int64(len(p)) > mostBytes {
		return 0, errTooLarge
	}
	n, err := s.file.Write(p)
	s.size += int64(n)
	return n, err
}

func (s *scratch) reader() *io.SectionReader { return io.NewSectionReader(s.file, 0, s.size) }

func (s *scratch) close() {
	_ = s.file.Close()
	_ = s.disk.Remove(s.file.Name())
}

// isMail, isSheet, isArchive, isExport and isOther tell files by their names.
func isMail(name string) bool    { return hasExtension(name, ".eml") }
func isSheet(name string) bool   { return hasExtension(name, ".xlsx") }
func isArchive(name string) bool { return hasExtension(name, ".zip") }
func isExport(name string) bool {
	return isSheet(name) || isArchive(name) || hasExtension(name, ".csv")
}

// isOther tells a file that may hold an export in a form that is not read.
func isOther(name string) bool {
	return hasExtension(name, ".xls", ".xlsb", ".xlsm", ".ods", ".numbers", ".tsv", ".gz", ".tgz", ".tar", ".7z", ".rar")
}

func hasExtension(name string, extensions ...string) bool {
	own := strings.ToLower(path.Ext(strings.TrimSpace(name)))
	return slices.Contains(extensions, own)
}

// unreadable is the error of a file that is not what its name says.
func unreadable(what string, err error) error {
	var known *pipeline.Error
	if errors.As(err, &known) {
		return err
	}
	return &pipeline.Error{Op: "read the export", Kind: pipeline.Malformed, Cause: pipeline.OtherDocument,
		Err: fmt.Errorf("%s: %w", what, err), Hint: "ask the vendor for it again, or put a whole one into the inbox"}
}

// otherFile is a file that may hold an export in a form that is not read.
func otherFile(name, mail string, at time.Time) *File {
	return &File{Name: name, Mail: mail, At: at, Other: true, Err: notRead("files of this kind are not read", "unpack it, or save it as .csv or .xlsx, and put that into the inbox")}
}

// notRead is the error of a whole file that holds no export that can be read.
func notRead(why, hint string) error {
	return &pipeline.Error{Op: "read the export", Kind: pipeline.Malformed, Cause: pipeline.OtherDocument, Err: errors.New(why), Hint: hint}
}

// contextReader ends with its context.
type contextReader struct {
	ctx context.Context
	io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, &pipeline.Error{Op: "read the export", Kind: pipeline.Stopped, Err: err}
	}
	return r.Reader.Read(p)
}
