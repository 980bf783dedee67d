package main

import (
	"io"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/windrow-data/windrow/testdata"
)

// callsHeader is the header of Dialpad's calls export, as real files have it.
var callsHeader = testdata.Header("dialpad/calls/vendor.csv")

var (
	zoneNames = []string{
		"America/Chicago", "America/Chicago", "America/Chicago", "America/Chicago", "America/New_York",
		"America/Los_Angeles", "America/Mexico_City", "America/Bogota", "Europe/Madrid",
	}
	givenNames  = []string{"Ana", "José", "Zoë", "Łukasz", "Inés", "Mary", "Jürgen", "Sofía", "Nuño", "Renée", "陽子", "Олег"}
	familyNames = []string{"Pérez", "García López", "O'Neill", "Smith", "Müller", "Ñáñez", "Kowalski", "Dubois", "山田", "Иванов"}
	groupNames  = []string{"Ventas", "Soporte técnico", "Billing, EU", `Support "Gold"`, "Atención al cliente"}
	devices     = []string{"android", "web_app", "desktop_app", ""}
	notes       = []string{
		"Ana \"Nina\" Pérez\next. 12", "first line\r\nsecond line", "Cola de espera,\nturno 2", "señor\n\n\"urgente\"", "回电\n明天",
	}
)

// callsWriter renders rows of a calls export.
type callsWriter struct {
	random  *rand.Rand
	zones   []*time.Location
	lineEnd string
	buf     []byte
	serial  uint64
}

func newCallsWriter(w want) (*callsWriter, error) {
	c := &callsWriter{random: rand.New(rand.NewPCG(uint64(w.MB), 4)), lineEnd: "\n"}
	if w.Shuffled || w.MB <= 1 {
		c.lineEnd = "\r\n"
	}
	for _, name := range zoneNames {
		zone, err := time.LoadLocation(name)
		if err != nil {
			return nil, err
		}
		c.zones = append(c.zones, zone)
	}
	return c, nil
}

// writeCalls writes about w.MB·10^6 bytes, whose rows begin in [start, end), in
// order of time unless shuffled.
func writeCalls(out io.Writer, w want, start, end time.Time) (rows int, err error) {
	c, err := newCallsWriter(w)
	if err != nil {
		return 0, err
	}
	const sample = 2000
	for i := range sample {
		c.row(start.Add(time.Duration(i) * 1_000_001 * time.Microsecond))
	}
	rows = max(w.MB*1_000_000/(len(c.buf)/sample), 1)
	if c, err = newCallsWriter(w); err != nil {
		return 0, err
	}
	c.buf = append(c.buf, callsHeader+c.lineEnd...)
	step := float64(end.Sub(start)-time.Second) / float64(rows)
	for i := range rows {
		at := float64(i) + c.random.Float64()
		if w.Shuffled {
			at = c.random.Float64() * float64(rows)
		}
		c.row(start.Add(time.Duration(at * step).Truncate(time.Microsecond)))
		if len(c.buf) < 1<<16 && i < rows-1 {
			continue
		}
		if _, err := out.Write(c.buf); err != nil {
			return rows, err
		}
		c.buf = c.buf[:0]
	}
	return rows, nil
}

// call is what one row tells; zero values are blank cells.
type call struct {
	id, entry, entryTarget, target, office uint64
	started, firstRang, queued, rang       time.Time
	connected, ended                       time.Time
	zone                                   int
	leg, recorded, voicemail               bool
	category, categories, direction        string
	kind, typ, name, email, note           string
	talk, hold, ring, wait, wrap, inSystem time.Duration
}

// row appends a row that begins at a given instant.
func (c *callsWriter) row(at time.Time) {
	r := c.random
	if r.IntN(10) == 0 {
		at = at.Truncate(time.Second) // then the file has no fraction
	}
	k := call{
		id: c.nextID(), started: at, zone: r.IntN(len(zoneNames)), leg: r.IntN(100) < 45,
		target: 5_000_000_000_000_000 + uint64(r.IntN(400))*7_919_001, office: 4_800_000_000_000_000 + uint64(r.IntN(4))*331,
		direction: "inbound",
	}
	c.who(&k)
	c.outcome(&k)
	if r.IntN(100) < 12 {
		k.note = notes[r.IntN(len(notes))]
	}
	c.render(&k)
}

// nextID gives 64-bit ids that do not repeat and have no order.
func (c *callsWriter) nextID() uint64 {
	c.serial++
	const prime = 899_999_999_999_981 // ids take all residues before one repeats
	return 6_000_000_000_000_000 + c.serial*388_617_283_951%prime
}

func (c *callsWriter) who(k *call) {
	r := c.random
	if !k.leg {
		k.kind, k.typ = "CallCenter", "call_center"
		k.name = groupNames[r.IntN(len(groupNames))]
		return
	}
	k.kind, k.typ = "UserProfile", "user"
	given, family := givenNames[k.target%12], familyNames[k.target%10]
	k.name = given + " " + family
	k.email = "agent." + strconv.FormatUint(k.target%1_000_000, 10) + "@contact.example"
	k.entry, k.entryTarget = c.nextID(), 5_100_000_000_000_000+uint64(r.IntN(40))*104_729
	if r.IntN(6) == 0 {
		k.entry, k.entryTarget = k.id, 0 // a direct call names itself
	}
}

// outcome fills times and durations.
func (c *callsWriter) outcome(k *call) {
	r := c.random
	seconds := func(least, most int) time.Duration { return time.Duration(least+r.IntN(most-least+1)) * time.Second }
	x := r.IntN(100)
	k.wait, k.ring = seconds(2, 90), seconds(3, 25)
	switch {
	case x < 25:
		k.direction, k.category, k.categories = "OutBound", "outgoing", "outbound,outbound_connected,user_initiated"
		k.wait = 0
	case x < 82:
		k.category, k.categories = "incoming", "inbound,answered,human_agent"
	case x < 91:
		k.category, k.categories = "abandoned", "inbound,abandoned,unanswered"
	default:
		k.category, k.categories, k.voicemail = "missed", "missed", true
	}
	if k.wait > 0 && !k.leg {
		k.queued = k.started.Add(time.Second)
	}
	if x >= 82 {
		k.ended = k.started.Add(k.wait + time.Second)
		k.ring, k.inSystem = 0, k.wait
		return
	}
	k.talk, k.hold, k.wrap = seconds(10, 900), max(0, seconds(0, 150)-60*time.Second), seconds(0, 120)
	k.firstRang = k.started.Add(k.wait)
	k.rang = k.firstRang
	k.connected = k.rang.Add(k.ring)
	k.ended = k.connected.Add(k.talk + k.hold)
	k.inSystem = k.ended.Sub(k.started)
	k.recorded = k.talk > time.Minute
}
