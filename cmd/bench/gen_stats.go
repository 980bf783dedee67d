package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
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
	r := rand.New(rand.NewPCG(uint64(w.MB), 5))
	intervals := int(end.Sub(start) / statsStep)
	perCampaign := intervals * len(channelNames) * statsRowBytes
	n := min(max((w.MB*1_000_000+perCampaign/2)/perCampaign, 1), mostCampaigns)
	for i := range n {
		names = append(names, fmt.Sprintf("Campaña %02d <-", i+1))
	}
	buf, written := []byte{'['}, int64(0)
	for at := start.UTC(); at.Before(end); at = at.Add(statsStep) {
		if at.Equal(start.AddDate(0, 0, len(days))) {
			days = append(days, written+int64(len(buf))+int64(min(rows, 1))) // behind the comma, if there will be one
		}
		date := at.Format("Jan 2, 2006, 3:04:05 PM")
		for _, name := range names {
			for _, channel := range channelNames {
				if rows++; rows > 1 {
					buf = append(buf, ',')
				}
				if buf, err = appendStats(buf, r, date, name, channel); err != nil {
					return rows, names, days, err
				}
			}
		}
		if len(buf) > 1<<16 {
			if _, err := out.Write(buf); err != nil {
				return rows, names, days, err
			}
			written += int64(len(buf))
			buf = buf[:0]
		}
	}
	days = append(days, written+int64(len(buf))+1)
	_, err = out.Write(append(buf, ']'))
	return rows, names, days, err
}

func appendStats(buf []byte, r *rand.Rand, date, name, channel string) ([]byte, error) {
	resource, err := json.Marshal(name) // escapes < as the vendor's Gson does
	if err != nil {
		return nil, err
	}
	buf = append(buf, `{"date":"`...)
	buf = append(buf, date...)
	buf = append(buf, `","resource":`...)
	buf = append(buf, resource...)
	buf = append(buf, `,"channel":"`...)
	buf = append(buf, channel...)
	in := r.IntN(60)
	buf = fmt.Appendf(buf, `","inInteractions":%d,"outInteractions":%d,"inboundAnswered":%d`, in, r.IntN(20), in-r.IntN(in/3+1))
	for i, m := range wholeMetrics {
		buf = append(append(append(buf, `,"`...), m...), `":`...)
		buf = strconv.AppendInt(buf, int64(r.IntN(8<<i)/(1+3*r.IntN(2))), 10)
	}
	for _, m := range fractions {
		buf = append(append(append(buf, `,"`...), m...), `":`...)
		switch r.IntN(8) {
		case 0:
			buf = append(buf, "null"...)
		case 1:
			buf = append(buf, "0"...)
		default:
			buf = strconv.AppendFloat(buf, float64(r.IntN(100_000))/float64(1+r.IntN(60)), 'f', -1, 64)
		}
	}
	return append(buf, '}'), nil
}
