package vendorsim

import (
	"math/bits"
	"time"
)

// Operator is one person of the Chat-Tonic team.
type Operator struct {
	ID, GivenName, FamilyName string
	Origins                   []string
	OriginsName               string
	Idle                      bool // on the roster, never at work
}

// DisplayName is the name as the vendor shows it.
func (o Operator) DisplayName() string { return o.GivenName + " " + o.FamilyName }

// Operators is the team's roster. The ids have the lengths of the vendor's samples.
func (d Data) Operators() []Operator {
	return []Operator{
		{ID: "5ed96d95aef725fdfb", GivenName: "Chamo", FamilyName: "Sac2", Origins: []string{"5ed94dd1fdda89cee4cb61"}, OriginsName: "Tengo otro tipo de consultas"},
		{ID: "5f286ede4dbdcf209af", GivenName: "Chamo", FamilyName: "Operator", Origins: []string{}, OriginsName: "all"},
		{ID: "60a1c0ffee5ec0de01", GivenName: "Zoë", FamilyName: `O"Hara, Ñandú`, Origins: []string{}, OriginsName: "all"},
		{ID: "60a1c0ffee5ec0de02", GivenName: "Sin", FamilyName: "Turno", Origins: []string{}, OriginsName: "all", Idle: true},
	}
}

// OperatorMetrics are what one operator did in a span. Times are in seconds.
type OperatorMetrics struct {
	OnlineTime, AwayTime, FreeTime   int64
	QueriesAssigned, QueriesResolved int64
	SumDuration                      int64 // over QueriesResolved this is avgDurationResolved
	NPSResponses, NPSSum             int64 // NPSSum over NPSResponses is nps, -100 to 100
}

// NPS is the operator's score, 0 without responses, as the vendor writes it.
func (m OperatorMetrics) NPS() float64 { return ratio(m.NPSSum, m.NPSResponses) }

// AvgDurationResolved is in seconds, 0 without resolved queries.
func (m OperatorMetrics) AvgDurationResolved() float64 {
	return ratio(m.SumDuration, m.QueriesResolved)
}

// ratio has two decimals, as the vendors' averages in samples have.
func ratio(sum, weight int64) float64 {
	if weight == 0 {
		return 0
	}
	return float64(int64(float64(sum)/float64(weight)*100)) / 100
}

// OperatorSpan sums the quarters of an hour that begin in [start, end).
func (d Data) OperatorSpan(operator string, start, end time.Time) (m OperatorMetrics) {
	for _, o := range d.Operators() {
		if o.ID == operator && o.Idle {
			return m
		}
	}
	quarters(start, end, func(q time.Time) {
		r, ok := d.at(StreamOperators, operator, q)
		local := q.In(d.ChatTonicZone)
		working := local.Hour() >= 9 && local.Hour() < 18 && local.Weekday() != time.Sunday
		if !ok || !working && !r.chance(0.02) {
			return
		}
		online := int64(r.between(700, 900))
		away := (900 - online) / 2
		m.OnlineTime += online
		m.AwayTime += away
		m.FreeTime += int64(r.between(0, int(online)))
		assigned := int64(r.below(4))
		resolved := assigned - int64(r.below(int(assigned)+1)/2)
		m.QueriesAssigned += assigned
		m.QueriesResolved += resolved
		m.SumDuration += resolved * int64(r.between(120, 1500))
		if resolved > 0 && r.chance(0.4) {
			m.NPSResponses++
			m.NPSSum += []int64{100, 100, 0, -100}[r.below(4)]
		}
	})
	return m
}

// users is a set of the bot's most active users, for distinct counts.
type users [4]uint64

func (u *users) add(o users) {
	for i := range u {
		u[i] |= o[i]
	}
}

func (u users) size() (n int64) {
	for _, w := range u {
		n += int64(bits.OnesCount64(w))
	}
	return n
}

// DashboardMetrics are what the whole team's bot counted in a span.
type DashboardMetrics struct {
	NewUsers, ActiveUsers          int64
	MessagesReceived, MessagesSent int64
	Resolved, Failed               int64
	AttentionMinutes               int64 // weighted by Resolved
	ResolutionMinutes              int64 // weighted by Resolved
	NPSSum, CSATSum, Responses     int64

	active users
}

// Attention, Resolution, NPS and CSAT are the means that the vendor returns, 0
// when there is nothing to average.
func (m DashboardMetrics) Attention() float64  { return ratio(m.AttentionMinutes, m.Resolved) }
func (m DashboardMetrics) Resolution() float64 { return ratio(m.ResolutionMinutes, m.Resolved) }
func (m DashboardMetrics) NPS() float64        { return ratio(m.NPSSum, m.Responses) }
func (m DashboardMetrics) CSAT() float64       { return ratio(m.CSATSum, m.Responses) }

// Add returns the sums of both; the same user counts once.
func (m DashboardMetrics) Add(o DashboardMetrics) DashboardMetrics {
	m.NewUsers += o.NewUsers
	m.MessagesReceived += o.MessagesReceived
	m.MessagesSent += o.MessagesSent
	m.Resolved += o.Resolved
	m.Failed += o.Failed
	m.AttentionMinutes += o.AttentionMinutes
	m.ResolutionMinutes += o.ResolutionMinutes
	m.NPSSum += o.NPSSum
	m.CSATSum += o.CSATSum
	m.Responses += o.Responses
	m.active.add(o.active)
	m.ActiveUsers = m.active.size()
	return m
}

// DashboardQuarter is the quarter of an hour that begins at q; ok is false for
// one in which nothing happened.
func (d Data) DashboardQuarter(q time.Time) (m DashboardMetrics, ok bool) {
	r, ok := d.at(StreamDashboard, "", q)
	if !ok {
		return m, false
	}
	n := r.count(600 * activity(q.In(d.ChatTonicZone)) / 4)
	if n == 0 {
		return m, false
	}
	for range n {
		u := r.below(256)
		m.active[u/64] |= 1 << (u % 64)
	}
	m.ActiveUsers = m.active.size()
	m.NewUsers = int64(r.below(int(m.ActiveUsers)/4 + 1))
	m.MessagesReceived = int64(n * r.between(2, 9))
	m.MessagesSent = m.MessagesReceived + int64(r.below(2*n))
	m.Resolved = int64(r.count(0.2 * float64(n)))
	m.Failed = int64(r.count(0.02 * float64(n)))
	m.AttentionMinutes = m.Resolved * int64(r.between(1, 20))
	m.ResolutionMinutes = m.Resolved * int64(r.between(10, 90))
	m.Responses = int64(r.count(0.5 * float64(m.Resolved)))
	m.NPSSum = m.Responses * []int64{100, 50, 0, -100}[r.below(4)]
	m.CSATSum = m.Responses * int64(r.between(1, 5))
	return m, true
}

// DashboardHour is the hour that begins at hour.
func (d Data) DashboardHour(hour time.Time) (DashboardMetrics, bool) {
	m, rows := d.DashboardSpan(hour, hour.Add(time.Hour), time.Hour)
	return m, rows > 0
}

// DashboardSpan sums [start, end) and counts the intervals of length step,
// from start on, that have a row. ActiveUsers is distinct over the span, so it
// is less than the sum of its parts.
func (d Data) DashboardSpan(start, end time.Time, step time.Duration) (sum DashboardMetrics, rows int) {
	return spanOf(start, end, step, d.DashboardQuarter)
}
