package main

import (
	"io"
	"math/rand/v2"
	"time"
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
	// wholeMetrics and fractions are the 22 metrics that no column holds.
	wholeMetrics = []string{
		"transferedCampaigns", "abandonedInteractions", "abandonedInTarget", "answeredInTarget", "requeuedInteractions",
		"overflowInteractions", "callbackRequests", "blockedInteractions", "conferences", "holds", "maxWaitingTime",
		"maxAttendedTime", "totalWaitingTime", "totalAttendedTime",
	}
	fractions = []string{
		"averageAttendedTime", "averageWaitingTime", "averageHoldTime", "averageAbandonTime",
		"serviceLevel", "abandonRate", "occupancy", "satisfaction",
	}
)

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
