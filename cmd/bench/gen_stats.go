package main

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/windrow-data/windrow/testdata"
)

const (
	// statsStep is the interval of a row, uContact's groupnum=15.
	statsStep = 15 * time.Minute
	// statsRowBytes is about what one row takes.
	statsRowBytes = 706
	// mostCampaigns is what one request of Windrow names.
	mostCampaigns = 50
)

var (
	channelNames = []string{"telephony", "sms", "email", "whatsapp", "messenger", "instagram"}
	// wholeMetrics and fractions are the metrics that no column holds.
	wholeMetrics, fractions = metricsOf(testdata.Read("ucontact/campaigns/many_metrics.json"))
)

// metricsOf returns the names of an answer's metrics that no column holds, in the
// order of its first row: those that are whole there, and those with a fraction.
func metricsOf(answer []byte) (whole, fractions []string) {
	d := json.NewDecoder(bytes.NewReader(answer))
	d.UseNumber()
	name, held := "", true
	for {
		token, err := d.Token()
		if err != nil {
			panic(err) // the file is a constant of the program
		}
		switch v := token.(type) {
		case json.Delim:
			if v == '}' {
				return whole, fractions
			}
		case string: // a name, or the value of date, resource or channel
			name = v
		case json.Number:
			switch {
			case held:
				held = name != "inboundAnswered" // the last one that a column holds
			case strings.Contains(v.String(), "."):
				fractions = append(fractions, name)
			default:
				whole = append(whole, name)
			}
		}
	}
}

// writeStats writes an answer of POST /api/stats with byResource and byChannel:
// an array of objects, one for each interval, campaign and channel, of about
// w.MB·10^6 bytes. days is as [input] has it.
func writeStats(out io.Writer, w want, start, end time.Time) (rows int, names []string, days []int64, err error) {
	intervals := int(end.Sub(start) / statsStep)
	perCampaign := intervals * len(channelNames) * statsRowBytes
	names = campaigns(min(max((w.MB*1_000_000+perCampaign/2)/perCampaign, 1), mostCampaigns))
	s, written := statsWriter{random: rand.New(rand.NewPCG(uint64(w.MB), 5)), buf: []byte{'['}}, int64(0)
	for at := start.UTC(); at.Before(end); at = at.Add(statsStep) {
		if at.Equal(start.AddDate(0, 0, len(days))) {
			days = append(days, written+int64(len(s.buf))+int64(min(rows, 1))) // behind the comma, if there will be one
		}
		date := at.Format("Jan 2, 2006, 3:04:05 PM")
		for _, name := range names {
			for _, channel := range channelNames {
				if rows++; rows > 1 {
					s.buf = append(s.buf, ',')
				}
				if err := s.row(date, name, channel); err != nil {
					return rows, names, days, err
				}
			}
		}
		if len(s.buf) > 1<<16 {
			if _, err := out.Write(s.buf); err != nil {
				return rows, names, days, err
			}
			written += int64(len(s.buf))
			s.buf = s.buf[:0]
		}
	}
	days = append(days, written+int64(len(s.buf))+1)
	_, err = out.Write(append(s.buf, ']'))
	return rows, names, days, err
}
