package vendorsim

import (
	"cmp"
	"net/http"
	"slices"
	"sync"
	"time"
)

// World is the simulated vendors: their data, clock, faults and what they were
// asked. All methods are safe for concurrent use, also while the servers run.
type World struct {
	mu      sync.Mutex
	options Options
	edits   []Edit
	frozen  *time.Time // the clock stands here
	offset  time.Duration
	calls   []*Call
	count   int
	faults  []*armed
	nth     map[int]FaultKind
	breaks  []*armedBreak
	// accepted is what the outbound hubs have accepted.
	accepted []Accepted

	issued   uint64             // tokens and report ids so far
	sessions map[string]session // Chat-Tonic tokens
	mailed   int                // NPS reports
	dialpad  dialpadState
}

// dialpadState is what Dialpad remembers between requests.
type dialpadState struct {
	reports   map[string]*report  // by id
	cache     map[string]*content // by parameters
	posts     []time.Time         // of the quota's window
	tokens    float64             // of the request rate
	refilled  time.Time
	apiBase   string // URL of the API host
	downloads string // URL of the download host
}

// New makes a world. Nothing listens before [World.Start]; the handlers can
// also be served by the caller.
func New(o Options) *World {
	w := &World{
		options: o, nth: map[int]FaultKind{}, sessions: map[string]session{},
		dialpad: dialpadState{reports: map[string]*report{}, cache: map[string]*content{}},
	}
	return w
}

// Set changes options while the world runs.
func (w *World) Set(change func(*Options)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.options)
}

// settings are the options with their defaults filled in.
func (w *World) settings() Options {
	w.mu.Lock()
	o := w.options
	w.mu.Unlock()
	if o.Real == nil {
		o.Real = time.Now
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	u, c, d := &o.UContact, &o.ChatTonic, &o.Dialpad
	u.Token = cmp.Or(u.Token, "ucontact-token")
	u.Zone = zone(u.Zone, "America/Mexico_City")
	u.MaxLoad = cmp.Or(u.MaxLoad, 20_000)
	if u.Agents == nil {
		u.Agents = []string{"Agent1", "Agent2", "Agent3"}
	}
	u.Loading = cmp.Or(u.Loading, 2*time.Second)
	if u.Hubs == nil {
		u.Hubs = []Hub{
			{"Ventas", HubTelephony}, {"Preview", HubPreview}, {"Avisos", HubVoiceBroadcast},
			{"Correo", HubEmail}, {"Mensajes", HubSMS}, {"WhatsApp", HubWhatsApp},
		}
	}
	if u.Campaigns == nil {
		u.Campaigns = []string{"Ventas", "Soporte<-"}
	}
	c.Codename = cmp.Or(c.Codename, "acme")
	c.Username = cmp.Or(c.Username, "reports@acme.example")
	c.Password = cmp.Or(c.Password, "correct horse")
	c.TokenLife = cmp.Or(c.TokenLife, time.Hour)
	c.Zone = zone(c.Zone, "America/Argentina/Buenos_Aires")
	c.NPSStatus = cmp.Or(c.NPSStatus, http.StatusAccepted)
	if c.ResponseZone == nil {
		c.ResponseZone = time.UTC
	}
	d.Token = cmp.Or(d.Token, "dialpad-key")
	d.Zone = zone(d.Zone, "America/Chicago")
	d.ProcessingPolls = cmp.Or(d.ProcessingPolls, 1)
	d.Limits.Posts = cmp.Or(d.Limits.Posts, 200)
	d.Limits.Window = cmp.Or(d.Limits.Window, time.Hour)
	d.Limits.Rate = cmp.Or(d.Limits.Rate, 20)
	d.Lives.CacheDays = cmp.Or(d.Lives.CacheDays, 3*time.Hour)
	d.Lives.CacheToday = cmp.Or(d.Lives.CacheToday, 30*time.Minute)
	d.Lives.ID = cmp.Or(d.Lives.ID, time.Hour)
	d.Lives.Link = cmp.Or(d.Lives.Link, time.Hour)
	d.HistoryLag = cmp.Or(d.HistoryLag, 4*time.Hour)
	return o
}

func zone(given *time.Location, name string) *time.Location {
	if given != nil {
		return given
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC // a machine without time zones
	}
	return loc
}

// Data is what the vendors know at present, edits included.
func (w *World) Data() Data {
	o := w.settings()
	w.mu.Lock()
	defer w.mu.Unlock()
	return Data{
		Seed: o.Seed, UContactZone: o.UContact.Zone, ChatTonicZone: o.ChatTonic.Zone, DialpadZone: o.Dialpad.Zone,
		CallsPerDay: o.CallsPerDay, TextsPerDay: o.TextsPerDay, LateListening: o.Dialpad.LateListening,
		Edits: slices.Clone(w.edits),
	}
}

// Edit changes the past. Dialpad's cached reports keep what they had.
func (w *World) Edit(e Edit) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.edits = append(w.edits, e)
}

// Now is the vendors' clock.
func (w *World) Now() time.Time {
	clock := w.settings().Clock
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.frozen != nil {
		return *w.frozen
	}
	return clock().Add(w.offset)
}

// SetNow stops the vendors' clock at t; [World.Advance] moves it. The clock of
// rates, quotas and sessions is Options.Real and goes on.
func (w *World) SetNow(t time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.frozen = &t
}

// Advance moves the vendors' clock forward, stopped or not.
func (w *World) Advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.frozen != nil {
		t := w.frozen.Add(d)
		w.frozen = &t
		return
	}
	w.offset += d
}
