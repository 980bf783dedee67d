// Package intake opens what somebody wants to push, and keeps what of it was refused: the files around a push. What a row
// is, transforms/rows knows; what a contact is, connectors/ucontact/contacts. Start at [Open].
package intake

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/windrow-data/windrow/connectors/ucontact/contacts"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/push"
	"github.com/windrow-data/windrow/transforms/rows"
)

// Options are what an input is opened with.
type Options struct {
	contacts.Options
	Stdin io.Reader // of the input -
	// Query runs the query of an address of BigQuery; nil: it is not served.
	Query func(ctx context.Context, address string) (push.Rows, error)
	// Object opens the object of a bucket that an address names, which is [io/fs.ErrNotExist] where there is none; nil: it is
	// not served. Reads obey ctx.
	Object func(ctx context.Context, address string) (Body, error)
}

// Body is the bytes of an input, which stay as they are while they are read.
type Body interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// fileBody is the bytes that a file has now.
type fileBody struct {
	*os.File
	size int64
}

func (b fileBody) Size() int64 { return b.size }

// Input is an opened input.
type Input struct {
	*contacts.Input
	// Comma is what stands between the cells of a file of its rejects.
	Comma  rune
	body   Body    // nil where there is none
	object *object // nil where the body is none
}

// Read implements [push.Input].
func (in *Input) Read(ctx context.Context, accept func(push.Contact) error, refuse func(push.Refusal) error) error {
	return in.object.blame(in.Input.Read(ctx, accept, refuse))
}

// Close implements [push.Input].
func (in *Input) Close() error {
	err := in.Input.Close()
	if in.body != nil {
		err = errors.Join(err, in.body.Close())
		in.body = nil
	}
	return err
}

// Open opens an input: a file, - for CSV on stdin, or an address. It looks at all of it once, so that what is wrong with it
// as a whole (the file, its columns, the mapping) is told before a row is read: a *[pipeline.Error] of kind Invalid.
func Open(ctx context.Context, from string, o Options) (*Input, error) {
	in := &Input{Comma: ','}
	table, err := in.open(ctx, from, o)
	if err == nil {
		in.Input, err = contacts.New(table, o.Options)
	}
	if err != nil {
		if table != nil {
			_ = table.Close() // nothing was written
		}
		if in.body != nil {
			_ = in.body.Close()
		}
		return nil, in.object.blame(err)
	}
	return in, nil
}

// open opens the table of an input.
func (in *Input) open(ctx context.Context, from string, o Options) (push.Rows, error) {
	if from == "-" {
		if o.Stdin == nil {
			return nil, refused(from, "", errors.New("nothing comes on stdin"))
		}
		if err := in.spool(ctx, o.Stdin); err != nil {
			return nil, unread(ctx, "stdin", err)
		}
		return in.table(ctx, "stdin", ".csv")
	}
	if scheme, rest, is := strings.Cut(from, "://"); is {
		switch {
		case scheme == "file":
			from = rest
		case scheme == "bigquery" && o.Query != nil:
			return o.Query(ctx, from)
		case (scheme == "gs" || scheme == "s3") && o.Object != nil:
			return in.inBucket(ctx, from, o)
		default:
			return nil, refused(from, kinds, fmt.Errorf("%s:// is no input", scheme))
		}
	}
	ending, err := endingOf(from)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(from)
	if err != nil {
		return nil, refused(from, "", withoutPath(err))
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("it is a directory")
	}
	if err != nil {
		_ = file.Close() // nothing was written
		return nil, refused(from, kinds, withoutPath(err))
	}
	if in.body = (fileBody{file, info.Size()}); !info.Mode().IsRegular() { // a pipe is read once
		in.body = nil
		err = in.spool(ctx, file)
		if err = errors.Join(err, file.Close()); err != nil {
			return nil, unread(ctx, from, err)
		}
	}
	return in.table(ctx, filepath.Base(from), ending)
}

// inBucket opens the table of an object of a bucket.
func (in *Input) inBucket(ctx context.Context, address string, o Options) (push.Rows, error) {
	place, _, _ := strings.Cut(address, "?")
	ending, err := endingOf(place)
	if err != nil {
		return nil, err
	}
	body, err := o.Object(ctx, address)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, refused(place, "", errors.New("no such object"))
	}
	if err != nil {
		return nil, err
	}
	in.object = &object{Body: body, place: place}
	in.body = in.object
	return in.table(ctx, path.Base(place), ending)
}

// object is the bytes of an object of a bucket. It keeps why it could not be read: who reads rows takes whatever goes wrong
// for the input's fault.
type object struct {
	Body
	place  string
	failed error
}

// ReadAt implements [io.ReaderAt].
func (b *object) ReadAt(p []byte, at int64) (int, error) {
	n, err := b.Body.ReadAt(p, at)
	if err != nil && err != io.EOF && b.failed == nil {
		b.failed = err
	}
	return n, err
}

// blame is why reading ended with err.
func (b *object) blame(err error) error {
	if err == nil || b == nil || b.failed == nil {
		return err
	}
	return &pipeline.Error{Op: "read " + b.place, Kind: pipeline.KindOf(b.failed), Hint: "push again; nothing of it was sent", Err: b.failed}
}

// endingOf is what the name of an input says that it is.
func endingOf(name string) (string, error) {
	switch ending := strings.ToLower(path.Ext(filepath.ToSlash(name))); ending {
	case ".csv", ".jsonl", ".parquet":
		return ending, nil
	}
	return "", refused(name, kinds, errors.New("its name does not say what it is"))
}

const kinds = "an input is a file, or an object of gs:// or s3://, that ends in .csv, .jsonl or .parquet, - for CSV on stdin, or bigquery://project?query=@file.sql"

func refused(from, hint string, err error) error {
	return &pipeline.Error{Op: "read " + from, Kind: pipeline.Invalid, Hint: hint, Err: err}
}

// withoutPath is what a system call says, without the path, which stands in the message already.
func withoutPath(err error) error {
	var e *os.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// spool copies a stream to a file that has no name: it holds people's addresses.
func (in *Input) spool(ctx context.Context, r io.Reader) error {
	file, err := os.CreateTemp("", "windrow-push-")
	if err != nil {
		return err
	}
	if err = os.Remove(file.Name()); err == nil {
		var size int64
		size, err = io.Copy(file, &cancelled{ctx, r})
		in.body = fileBody{file, size}
	}
	if err != nil {
		in.body = nil
		_ = file.Close() // nobody reads it
	}
	return err
}

// unread is the error of a stream that could not be read. A signal says nothing about it.
func unread(ctx context.Context, name string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return refused(name, "", withoutPath(err))
}

// cancelled reads until its context ends.
type cancelled struct {
	ctx context.Context
	io.Reader
}

func (c *cancelled) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.Reader.Read(p)
}

// atOnce is how much of an input is read at once, where each reading is a request.
const atOnce = 1 << 20

// table reads the bytes of the input.
func (in *Input) table(ctx context.Context, name, ending string) (push.Rows, error) {
	bytes := func() *io.SectionReader { return io.NewSectionReader(in.body, 0, in.body.Size()) }
	source := rows.Source{Name: name, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bufio.NewReaderSize(bytes(), atOnce)), nil
	}}
	switch ending {
	case ".jsonl":
		return orNone(rows.NewJSONLines(ctx, source))
	case ".parquet":
		return orNone(rows.NewParquet(name, bytes()))
	}
	csv, err := rows.NewCSV(ctx, source)
	if err != nil {
		return nil, err
	}
	in.Comma = csv.Comma()
	return csv, nil
}

// orNone is the rows, or nothing beside an error.
func orNone[R push.Rows](r R, err error) (push.Rows, error) {
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Suppressed reads the files of addresses that nothing is sent to.
func Suppressed(ctx context.Context, files []string, country string) (*contacts.Suppressed, error) {
	all := new(contacts.Suppressed)
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			return nil, refused(name, "", withoutPath(err))
		}
		err = all.Add(ctx, name, file, country)
		_ = file.Close() // it was read
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// RejectsName is where the refused rows of an input go where nobody says: the input's name with another ending, in the
// working folder where the input is no file.
func RejectsName(from string) string {
	const ending = ".rejected.csv"
	scheme, rest, is := strings.Cut(from, "://")
	switch {
	case from == "-":
		return "stdin" + ending
	case is && scheme == "file":
		from = rest
	case is:
		address, err := url.Parse(from)
		if err != nil {
			return scheme + ending
		}
		from = path.Base(address.Path)
		if query := address.Query().Get("query"); query != "" {
			if from = scheme; strings.HasPrefix(query, "@") {
				from = filepath.Base(query[1:])
			}
		}
	}
	return strings.TrimSuffix(from, filepath.Ext(from)) + ending
}
