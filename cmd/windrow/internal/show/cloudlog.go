package show

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"slices"
	"time"
)

// Fields that Cloud Logging takes out of a JSON line, beside "message":
// https://cloud.google.com/logging/docs/structured-logging#structured_logging_special_fields
const (
	severityField = "severity"
	timeField     = "time"
	messageField  = "message"
	labelsField   = "logging.googleapis.com/labels"
	traceField    = "logging.googleapis.com/trace"
)

// labelled are the attributes that Cloud Logging keeps as labels, which are
// indexed, and not in the payload.
var labelled = []string{"stream", "account"}

// syncIDKey is a label, and stays in the payload of the line that has it.
const syncIDKey = "sync_id"

// Origin is what all lines of one process on Cloud Run share.
type Origin struct {
	Project   string // where traces are; may be empty
	Execution string // of the job; empty for a service
	Task      string // index of the task; empty for a service
	Attempt   string
}

// trace is the same for all tasks and attempts of an execution; empty where
// there is none.
func (o Origin) trace() string {
	if o.Project == "" || o.Execution == "" {
		return ""
	}
	id := TraceID(o.Execution)
	return "projects/" + o.Project + "/traces/" + hex.EncodeToString(id[:])
}

// TraceID is that of a job's execution, for all its tasks and attempts.
func TraceID(execution string) [16]byte {
	sum := sha256.Sum256([]byte(execution))
	return [16]byte(sum[:16])
}

func (o Origin) labels() []slog.Attr {
	var list []slog.Attr
	for _, l := range [][2]string{{"task", o.Task}, {"attempt", o.Attempt}, {"execution", o.Execution}} {
		if l[1] != "" {
			list = append(list, slog.String(l[0], l[1]))
		}
	}
	return list
}

// NewCloudLog returns a logger of Cloud Logging's structured lines.
func NewCloudLog(w io.Writer, level slog.Level, o Origin) *slog.Logger {
	out := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: specialField})
	return slog.New(&cloudHandler{out: out, labels: o.labels(), trace: o.trace()})
}

// specialField gives slog's own fields the names and values of Cloud Logging.
func specialField(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch v := a.Value.Any().(type) {
	case time.Time:
		if a.Key == slog.TimeKey {
			return slog.String(timeField, v.UTC().Format(time.RFC3339Nano))
		}
	case slog.Level:
		if a.Key == slog.LevelKey {
			return slog.String(severityField, severity(v))
		}
	}
	if a.Key == slog.MessageKey {
		a.Key = messageField
	}
	return a
}

func severity(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return "DEBUG"
	case l < slog.LevelWarn:
		return "INFO"
	case l < slog.LevelError:
		return "WARNING"
	}
	return "ERROR"
}

// cloudHandler sets labels and the trace apart. It keeps what With adds, in
// order, because labels stand at the top whatever groups were opened.
type cloudHandler struct {
	out    slog.Handler
	labels []slog.Attr
	trace  string
	added  []added
}

// added is one call of With or WithGroup.
type added struct {
	group string
	attrs []slog.Attr
}

func (h *cloudHandler) Enabled(ctx context.Context, l slog.Level) bool { return h.out.Enabled(ctx, l) }

func (h *cloudHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.with(added{attrs: attrs})
}

func (h *cloudHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return h.with(added{group: name})
}

func (h *cloudHandler) with(a added) slog.Handler {
	with := *h
	with.added = append(slices.Clip(h.added), a)
	return &with
}

func (h *cloudHandler) Handle(ctx context.Context, r slog.Record) error {
	var attrs []slog.Attr
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, a)
		return true
	})
	for _, a := range slices.Backward(h.added) {
		if a.group != "" {
			attrs = []slog.Attr{{Key: a.group, Value: slog.GroupValue(attrs...)}}
			continue
		}
		attrs = append(slices.Clone(a.attrs), attrs...)
	}
	line := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	labels := slices.Clone(h.labels)
	for _, a := range attrs {
		if text := a.Value.Resolve().String(); (slices.Contains(labelled, a.Key) || a.Key == syncIDKey) && text != "" {
			labels = append(labels, slog.String(a.Key, text))
		}
		if !slices.Contains(labelled, a.Key) {
			line.AddAttrs(a)
		}
	}
	if len(labels) > 0 {
		line.AddAttrs(slog.Attr{Key: labelsField, Value: slog.GroupValue(labels...)})
	}
	if h.trace != "" {
		line.AddAttrs(slog.String(traceField, h.trace))
	}
	return h.out.Handle(ctx, line)
}
