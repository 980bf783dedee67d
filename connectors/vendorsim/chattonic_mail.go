package vendorsim

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// Mail is what Chat-Tonic sends when an export of NPS answers was asked for.
type Mail struct {
	ID   string
	At   time.Time
	Text []byte // of the whole mail
}

// NPSAnswer is one answer to the NPS question.
type NPSAnswer struct {
	At             time.Time
	User           string
	Score          int
	Comment        string
	Platform, From string
}

// NPSAnswers are the answers given in [start, end), by time.
func (d Data) NPSAnswers(start, end time.Time) (list []NPSAnswer) {
	quarters(start, end, func(q time.Time) {
		r, ok := d.at(StreamNPS, "", q)
		if !ok || !r.chance(0.1) {
			return
		}
		list = append(list, NPSAnswer{
			At: q.Add(time.Duration(r.below(900)) * time.Second), User: fmt.Sprintf("%016x", r.next()), Score: r.below(11),
			Comment:  []string{"", "Rápido, gracias", "Tardó \"mucho\"", "línea 1\nlínea 2"}[r.below(4)],
			Platform: []string{"WhatsApp", "Webchat"}[r.below(2)], From: []string{"Bot", "Operators"}[r.below(2)],
		})
	})
	return list
}

// NPSExport is the file of the answers given in [start, end). Nobody has published its columns.
func (w *World) NPSExport(start, end time.Time) string {
	zone := w.settings().ChatTonic.ResponseZone
	var csv strings.Builder
	csv.WriteString("Fecha,Usuario,Puntuación,Comentario,Plataforma,Canal\r\n")
	for _, a := range w.Data().NPSAnswers(start, end) {
		fmt.Fprintf(&csv, "%s,%s,%d,\"%s\",%s,%s\r\n", a.At.In(zone).Format("2006-01-02 15:04:05"), a.User, a.Score,
			strings.ReplaceAll(a.Comment, `"`, `""`), a.Platform, a.From)
	}
	return csv.String()
}

// mailNPS sends an export of a span. Nobody has published how the mail looks.
func (w *World) mailNPS(start, end time.Time) {
	o := w.settings()
	w.mu.Lock()
	w.mailed++
	m := Mail{ID: fmt.Sprintf("%d.%d@chat-tonic.example", w.mailed, start.Unix()), At: o.Real()}
	w.mu.Unlock()
	if o.ChatTonic.Mail == nil {
		return
	}
	m.Text = fmt.Appendf(nil, "From: <noreply@chat-tonic.example>\r\nTo: <%s>\r\nSubject: =?utf-8?q?Exportaci=C3=B3n_NPS?=\r\nMessage-ID: <%s>\r\nDate: %s\r\n"+
		"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=edge\r\n\r\n--edge\r\nContent-Type: text/plain\r\n\r\nAdjunto.\r\n--edge\r\n"+
		"Content-Type: text/csv; charset=utf-8\r\nContent-Disposition: attachment; filename=\"nps.csv\"\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n--edge--\r\n",
		o.ChatTonic.Username, m.ID, m.At.Format(time.RFC1123Z), base64.StdEncoding.EncodeToString([]byte(w.NPSExport(start, end))))
	o.ChatTonic.Mail(m)
}
