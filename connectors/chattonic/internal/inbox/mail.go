package inbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/mail"

	"github.com/windrow-data/windrow/pipeline"
)

// mostParts bounds the parts of a mail.
const mostParts = 1000

// readMail takes the files that a mail has attached. The mail is what has arrived; its time counts where it has no date of
// its own, and its name where it has no id.
func readMail(ctx context.Context, of arrived, yield func(*File) error) error {
	m, err := mail.CreateReader(contextReader{ctx, of.body})
	at := of.at
	if err != nil && !message.IsUnknownCharset(err) {
		return broken(ctx, of.name, at, err, yield)
	}
	if sent, err := m.Header.Date(); err == nil && !sent.IsZero() {
		at = sent
	}
	id, _ := m.Header.MessageID() // of a mail that names none the name of its file tells it
	if id == "" {
		id = of.name
	}
	exports, other := 0, ""
	for range mostParts {
		part, err := m.NextPart()
		if errors.Is(err, io.EOF) && exports == 0 && other != "" {
			return yield(otherFile(other, id, at))
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && (part == nil || !message.IsUnknownCharset(err)) {
			return broken(ctx, id, at, err, yield)
		}
		file, charset := attached(part.Header)
		if isOther(file) {
			other = file
		}
		if file == "" || isOther(file) {
			continue
		}
		exports++
		if err == nil {
			charset = "" // it was read in its charset
		}
		f, err := take(ctx, arrived{name: file, mail: id, at: at, charset: charset, date: of.date, disk: of.disk, body: part.Body})
		if err != nil {
			if ctx.Err() != nil || pipeline.KindOf(err) == pipeline.Unavailable {
				return err
			}
			return yield(&File{Name: file, Mail: id, At: at, Err: unreadable("the mail ends within it", err)})
		}
		if err := yield(f); err != nil {
			return err
		}
	}
	return broken(ctx, id, at, fmt.Errorf("it has more than %d parts", mostParts), yield)
}

// broken hands over what cannot be read of a mail. What the way to it is at fault for ends the look.
func broken(ctx context.Context, id string, at time.Time, err error, yield func(*File) error) error {
	if ctx.Err() != nil || pipeline.KindOf(err) == pipeline.Unavailable {
		return err
	}
	return yield(&File{Name: "an attachment", Mail: id, At: at, Err: unreadable("the mail cannot be read", err)})
}

// attached is the name of a file in a part of a mail, and its charset; no name where the part is no export.
func attached(h mail.PartHeader) (name, charset string) {
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		kind, params = "", nil
	}
	if disposition := (&message.Header{}); true {
		disposition.Set("Content-Disposition", h.Get("Content-Disposition"))
		if _, more, err := disposition.ContentDisposition(); err == nil {
			name = more["filename"]
		}
	}
	if name == "" {
		name = params["name"]
	}
	if decoded, err := new(mime.WordDecoder).DecodeHeader(name); err == nil {
		name = decoded
	}
	name = plainName(name)
	switch {
	case isExport(name), isOther(name):
	case strings.EqualFold(kind, "text/csv"):
		name = strings.TrimPrefix(name+".csv", ".")
	case strings.EqualFold(kind, sheetType):
		name = cmp.Or(name, "attachment") + ".xlsx"
	case slices.Contains(archiveTypes, strings.ToLower(kind)):
		name = cmp.Or(name, "attachment") + ".zip"
	default:
		return "", ""
	}
	return name, params["charset"]
}

var archiveTypes = []string{"application/zip", "application/x-zip-compressed"}

const sheetType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

// plainName is a name without what would mislead who reads it in a message.
func plainName(name string) string {
	name = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return -1
		}
		return c
	}, strings.ToValidUTF8(name, "�"))
	const most = 100
	if letters := []rune(name); len(letters) > most {
		name = "…" + string(letters[len(letters)-most:])
	}
	return strings.TrimSpace(name)
}
