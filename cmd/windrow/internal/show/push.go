package show

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/windrow-data/windrow/pipeline/push"
)

// Pushed is a push as people and programs are told of it.
type Pushed struct {
	ID      string
	Key     push.Key
	Report  push.Report
	Shown   []push.Refusal // the first rows that were refused
	Ignored []string       // columns that map to nothing
	Rejects string         // the file of the refused rows; empty: none
	DryRun  bool
	Exit    int
}

// pushedDocument is the JSON of a push.
type pushedDocument struct {
	ID          string          `json:"push_id"`
	Hub         string          `json:"hub"`
	Kind        push.Delivery   `json:"kind"`
	Key         string          `json:"key"`
	Read        int             `json:"read"`
	Sent        int             `json:"sent"`
	AlreadySent int             `json:"already_sent"`
	Refused     int             `json:"refused"`
	Duplicate   int             `json:"duplicate"`
	Suppressed  int             `json:"suppressed"`
	Unknown     int             `json:"unknown"`
	Planned     int             `json:"planned"`
	ToSend      *int            `json:"to_send,omitempty"` // these two of a dry run alone
	Changed     *int            `json:"changed,omitempty"`
	Batches     []batchDocument `json:"batches"`
	Rejects     *string         `json:"rejects"`
	Exit        int             `json:"exit"`
}

type batchDocument struct {
	ID       string     `json:"id"`
	State    push.State `json:"state"`
	Contacts int        `json:"contacts"`
	Status   *int       `json:"status"`
	Name     string     `json:"name"`
}

// PushJSON writes a push as one document.
func PushJSON(w io.Writer, p Pushed) error {
	c := p.Report.Counts
	d := pushedDocument{
		ID: p.ID, Hub: p.Key.Hub, Kind: p.Key.Delivery, Key: p.Key.Name, Read: c.Read, Sent: c.Sent, AlreadySent: c.AlreadySent, Refused: c.Refused,
		Duplicate: c.Duplicate, Suppressed: c.Suppressed, Unknown: c.Unknown, Planned: c.Planned, Batches: []batchDocument{}, Exit: p.Exit,
	}
	if p.DryRun {
		d.ToSend, d.Changed = &c.ToSend, &c.Changed
	}
	if p.Rejects != "" {
		d.Rejects = &p.Rejects
	}
	for _, b := range p.Report.Batches {
		of := batchDocument{ID: b.ID, State: b.State, Contacts: b.Contacts, Name: b.Name}
		if b.Status > 0 {
			of.Status = &b.Status
		}
		d.Batches = append(d.Batches, of)
	}
	return Document(w, d)
}

// Push prints a push for people.
func Push(w io.Writer, p Pushed) error {
	var b strings.Builder
	c := p.Report.Counts
	fmt.Fprintf(&b, "%s to the hub %s: %s\n\n", inColumns(string(p.Key.Delivery), 12), inColumns(strconv.Quote(p.Key.Hub), 30), inColumns(strconv.Quote(p.Key.Name), 30))
	counts := NewTable("", ">contacts", "")
	line := func(what string, n int, more string) {
		if n > 0 || what == "read" {
			counts.Row(what, thousands(n), more)
		}
	}
	line("read", c.Read, "")
	if p.DryRun {
		line("to be sent", c.ToSend, "")
	} else {
		line("sent", c.Sent, "")
		line("planned", c.Planned, "the same push again sends them")
	}
	changed := ""
	if c.Changed > 0 {
		changed = thousands(c.Changed) + " of another content, which --resend-changed sends"
	}
	line("already sent", c.AlreadySent, changed)
	line("unknown", c.Unknown, "never sent again by themselves")
	line("refused", c.Refused, refusedBy(c))
	line("duplicates", c.Duplicate, "")
	line("suppressed", c.Suppressed, "")
	if err := counts.Print(&b); err != nil {
		return err
	}
	if len(p.Report.Batches) > 0 {
		b.WriteByte('\n')
		if err := batches(&b, p.Report.Batches); err != nil {
			return err
		}
	}
	for _, text := range refusals(p) {
		b.WriteString("\n" + text)
	}
	if p.Report.Unknown > 0 {
		fmt.Fprintf(&b, "\nUnknown batches, of this push: %s. Nobody knows whether the vendor took them.\n`windrow push resolve` lists them, and takes your word.\n", thousands(p.Report.Unknown))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func refusedBy(c push.Tally) string {
	switch by := c.Refused - c.Bad; {
	case by == 0:
		return ""
	case c.Bad == 0:
		return "by the vendor"
	default:
		return thousands(by) + " of them by the vendor"
	}
}

// batches prints a line for each batch, and the vendor's words behind it.
func batches(w io.Writer, all []push.BatchRecord) error {
	t := NewTable("batch", "name", ">contacts", "state", "status")
	for _, b := range all {
		status := "-"
		if b.Status > 0 {
			status = strconv.Itoa(b.Status)
		}
		t.Row(b.ID, inColumns(b.Name, 26), thousands(b.Contacts), string(b.State), status)
	}
	if err := t.Print(w); err != nil {
		return err
	}
	for _, b := range all {
		if b.State != push.Sent && b.Note != "" {
			if _, err := fmt.Fprintf(w, "%s: %s\n", b.ID, inColumns(b.Note, 200)); err != nil {
				return err
			}
		}
	}
	return nil
}

// refusals are the lines about rows and columns that are left out.
func refusals(p Pushed) (lines []string) {
	if len(p.Ignored) > 0 {
		lines = append(lines, "Columns that map to nothing are left out: "+strings.Join(p.Ignored, ", ")+"\n")
	}
	if len(p.Shown) == 0 {
		return lines
	}
	var b strings.Builder
	for _, r := range p.Shown {
		b.WriteString(RefusedRow(r) + "\n")
	}
	if more := p.Report.Counts.Bad + p.Report.Counts.Duplicate - len(p.Shown); more > 0 {
		fmt.Fprintf(&b, "and %s more\n", thousands(more))
	}
	if p.Rejects != "" {
		fmt.Fprintf(&b, "All of them are in %s: correct it, and push it under the same key.\n", p.Rejects)
	}
	return append(lines, b.String())
}

// RefusedRow says why a row is not sent, without any value of it.
func RefusedRow(r push.Refusal) string {
	text := "row " + strconv.Itoa(r.Row) + ": "
	if r.Column != "" {
		text += r.Column + " "
	}
	text += r.Problem
	if r.Remedy != "" {
		text += "; " + r.Remedy
	}
	return text
}

// MaskedAddress is an address that a person may see to know what kind it is. Half of it is hidden at least, and of an e-mail
// address all but a letter.
func MaskedAddress(id string) string {
	const most = 2 // letters that show at either end
	if name, _, is := strings.Cut(id, "@"); is {
		_, first := utf8.DecodeRuneInString(name)
		if utf8.RuneCountInString(name) < 2 {
			first = 0
		}
		return name[:first] + "***@***"
	}
	signs := []rune(id)
	n := min(len(signs)/4, most)
	if n == 0 {
		return "***"
	}
	return string(signs[:n]) + strings.Repeat("*", len(signs)-2*n) + string(signs[len(signs)-n:])
}

// summaryDocument is the JSON of where a push stands.
type summaryDocument struct {
	Hub        string        `json:"hub"`
	Kind       push.Delivery `json:"kind"`
	Key        string        `json:"key"`
	Planned    int           `json:"planned"`
	Sent       int           `json:"sent"`
	Refused    int           `json:"refused"`
	Suppressed int           `json:"suppressed"`
	Unknown    int           `json:"unknown"`
	Last       string        `json:"last_change"`
}

// PushStatusJSON writes where pushes stand, as an array.
func PushStatusJSON(w io.Writer, all []push.Summary) error {
	documents := []summaryDocument{}
	for _, s := range all {
		c := s.Counts
		documents = append(documents, summaryDocument{s.Key.Hub, s.Key.Delivery, s.Key.Name, c.Planned, c.Sent, c.Refused, c.Suppressed, c.Unknown, moment(s.Last)})
	}
	return Document(w, documents)
}

// PushStatus prints where pushes stand.
func PushStatus(w io.Writer, all []push.Summary) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "Nothing has been pushed.")
		return err
	}
	for i, s := range all {
		if i > 0 {
			if _, err := fmt.Fprintln(w); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintf(w, "%s to %s%s: %s\n", s.Key.Delivery, inColumns(s.Key.Hub, 25), ofAccount(s.Key), inColumns(s.Key.Name, 30)); err != nil {
			return err
		}
		t := NewTable(">planned", ">sent", ">refused", ">suppressed", ">unknown", "last change")
		c := s.Counts
		t.Row(thousands(c.Planned), thousands(c.Sent), thousands(c.Refused), thousands(c.Suppressed), thousands(c.Unknown), moment(s.Last))
		if err := t.Print(w); err != nil {
			return err
		}
	}
	return nil
}

func ofAccount(k push.Key) string {
	if k.Account == "default" {
		return ""
	}
	return "@" + string(k.Account)
}

func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// unknownDocument is the JSON of a batch of unknown outcome.
type unknownDocument struct {
	ID       string        `json:"id"`
	Hub      string        `json:"hub"`
	Kind     push.Delivery `json:"kind"`
	Key      string        `json:"key"`
	Name     string        `json:"name"`
	Contacts int           `json:"contacts"`
	Since    string        `json:"since"`
	State    push.State    `json:"state,omitempty"` // once it is resolved
}

func documentOf(b push.UnknownBatch) unknownDocument {
	return unknownDocument{ID: b.ID, Hub: b.Key.Hub, Kind: b.Key.Delivery, Key: b.Key.Name, Name: b.Name, Contacts: b.Contacts, Since: moment(b.Since)}
}

// UnknownJSON writes the batches of unknown outcome, as an array.
func UnknownJSON(w io.Writer, all []push.UnknownBatch) error {
	documents := []unknownDocument{}
	for _, b := range all {
		documents = append(documents, documentOf(b))
	}
	return Document(w, documents)
}

// Unknown prints the batches of unknown outcome.
func Unknown(w io.Writer, all []push.UnknownBatch) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "The outcome of every batch is known.")
		return err
	}
	for _, b := range all {
		if _, err := fmt.Fprintf(w, "%s  %s of %s to %s%s\n  name in the portal: %s\n  since %s: %s\n", b.ID, plural(b.Contacts, "contact"), b.Key.Delivery,
			inColumns(b.Key.Hub, 25), ofAccount(b.Key), inColumns(b.Name, 57), moment(b.Since), inColumns(cmp.Or(b.Note, "the push that sent it ended before the answer"), 45)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprint(w, "\nLook for each in the portal, then say what you saw:\n  windrow push resolve --batch ID --sent --reason TEXT\n  windrow push resolve --batch ID --not-sent --reason TEXT\n")
	return err
}

// ResolvedJSON writes a batch behind the operator's word.
func ResolvedJSON(w io.Writer, b push.UnknownBatch) error {
	d := documentOf(b)
	d.State = b.State
	return Document(w, d)
}

// Resolved prints a batch behind the operator's word.
func Resolved(w io.Writer, b push.UnknownBatch) error {
	next := "its contacts are not sent again under this key"
	if b.State != push.Sent {
		next = "the same push again sends its contacts"
	}
	_, err := fmt.Fprintf(w, "%s is %s: %s.\n", b.ID, b.State, next)
	return err
}
