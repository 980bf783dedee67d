package vendorsim

import "time"

// Metrics are what uContact counts for one agent, or for one campaign on one
// channel, in one interval.
type Metrics struct {
	InInteractions  int64
	OutInteractions int64
	InboundAnswered int64
	Connected       int64 // seconds; agents only
	Transferred     int64
	AttendedSeconds int64 // over InboundAnswered this is averageAttendedTime
	InTarget        int64 // over InInteractions this is serviceLevel; campaigns only
}

// Add returns the sums of both.
func (m Metrics) Add(o Metrics) Metrics {
	return Metrics{
		m.InInteractions + o.InInteractions, m.OutInteractions + o.OutInteractions,
		m.InboundAnswered + o.InboundAnswered, m.Connected + o.Connected,
		m.Transferred + o.Transferred, m.AttendedSeconds + o.AttendedSeconds, m.InTarget + o.InTarget,
	}
}

// AgentQuarter is what an agent did in the quarter of an hour that begins at
// q; ok is false for an idle one, of which the vendor has no row.
func (d Data) AgentQuarter(agent string, q time.Time) (m Metrics, ok bool) {
	r, ok := d.at(StreamAgents, agent, q)
	if !ok {
		return Metrics{}, false
	}
	local := q.In(d.UContactZone)
	if !d.onShift(agent, local) && !r.chance(0.08) || r.chance(0.12) {
		return Metrics{}, false
	}
	m.InInteractions = int64(r.between(0, 5))
	m.OutInteractions = int64(r.between(0, 2))
	m.InboundAnswered = m.InInteractions - int64(r.below(int(m.InInteractions)/2+1))
	m.Connected = int64(r.between(855, 900))
	m.Transferred = int64(r.count(0.2))
	m.AttendedSeconds = m.InboundAnswered * int64(r.between(60, 400))
	return m, true
}

// onShift: half of the agents work from 8 to 16, half from 12 to 20, some on Saturdays.
func (d Data) onShift(agent string, local time.Time) bool {
	c := d.constant(StreamAgents, agent)
	begin, saturdays := 8+4*c.below(2), c.chance(0.3)
	switch local.Weekday() {
	case time.Sunday:
		return false
	case time.Saturday:
		if !saturdays {
			return false
		}
	}
	return local.Hour() >= begin && local.Hour() < begin+8
}

// AgentHour is what an agent did in the hour that begins at hour.
func (d Data) AgentHour(agent string, hour time.Time) (Metrics, bool) {
	m, rows := d.AgentSpan(agent, hour, hour.Add(time.Hour), time.Hour)
	return m, rows > 0
}

// AgentSpan sums [start, end) and counts the intervals of length step, from
// start on, that have a row.
func (d Data) AgentSpan(agent string, start, end time.Time, step time.Duration) (sum Metrics, rows int) {
	return spanOf(start, end, step, func(q time.Time) (Metrics, bool) { return d.AgentQuarter(agent, q) })
}

// CampaignQuarter is what happened in a campaign on one channel (in the
// vendor's word for it) in the quarter of an hour that begins at q.
func (d Data) CampaignQuarter(campaign, channel string, q time.Time) (m Metrics, ok bool) {
	r, ok := d.at(StreamCampaigns, campaign+"\x00"+channel, q)
	if !ok {
		return Metrics{}, false
	}
	c := d.constant(StreamCampaigns, campaign+"\x00"+channel)
	volume := 40 + 200*c.share()
	m.InInteractions = int64(r.count(volume * activity(q.In(d.UContactZone)) / 4))
	m.OutInteractions = int64(r.count(0.3 * float64(m.InInteractions)))
	if m.InInteractions == 0 && m.OutInteractions == 0 {
		return Metrics{}, false
	}
	m.InboundAnswered = m.InInteractions - int64(r.below(int(m.InInteractions)/3+1))
	m.Transferred = int64(r.count(0.1 * float64(m.InInteractions)))
	m.AttendedSeconds = m.InboundAnswered * int64(r.between(90, 600))
	m.InTarget = m.InboundAnswered - int64(r.below(int(m.InboundAnswered)/4+1))
	return m, true
}

// CampaignHour is what happened in the hour that begins at hour.
func (d Data) CampaignHour(campaign, channel string, hour time.Time) (Metrics, bool) {
	m, rows := d.CampaignSpan(campaign, channel, hour, hour.Add(time.Hour), time.Hour)
	return m, rows > 0
}

// CampaignSpan sums [start, end) and counts the intervals of length step, from
// start on, that have a row.
func (d Data) CampaignSpan(campaign, channel string, start, end time.Time, step time.Duration) (sum Metrics, rows int) {
	return spanOf(start, end, step, func(q time.Time) (Metrics, bool) { return d.CampaignQuarter(campaign, channel, q) })
}

// spanOf sums what at tells of the quarter hours of [start, end), and counts the
// intervals of length step, from start on, of which one has a row.
func spanOf[M interface{ Add(M) M }](start, end time.Time, step time.Duration, at func(time.Time) (M, bool)) (sum M, rows int) {
	last := int64(-1)
	quarters(start, end, func(q time.Time) {
		m, ok := at(q)
		if !ok {
			return
		}
		sum = sum.Add(m)
		if n := int64(q.Sub(start) / step); n != last {
			last = n
			rows++
		}
	})
	return sum, rows
}
