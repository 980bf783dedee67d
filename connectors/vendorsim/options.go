package vendorsim

import "time"

// Options shape a [World]. The zero value is a usable world; [World.Set]
// changes them while the servers run.
type Options struct {
	// Seed selects the data.
	Seed uint64
	// Clock is the vendors' idea of now: it decides what "today" and "n days
	// ago" are, when caches and report ids expire and what has happened already.
	// Nil: time.Now.
	Clock func() time.Time
	// Real is the clock of rates, quotas and session tokens, and of the Date that every answer has (but see NoDate). Nil: time.Now.
	Real func() time.Time
	// NoDate leaves the Date out of every answer, as a proxy that takes it off does: a client's clock is then held
	// against nothing.
	NoDate bool
	// Gzip compresses answers to clients that accept it.
	Gzip bool
	// CallsPerDay and TextsPerDay are an average working day's volume of one
	// call centre or department. Zero: 120 and 40.
	CallsPerDay, TextsPerDay int

	UContact  UContactOptions
	ChatTonic ChatTonicOptions
	Dialpad   DialpadOptions
}

// UContactOptions shape the uContact API.
type UContactOptions struct {
	Address string // to listen on; empty: a free loopback port
	Token   string // empty: "ucontact-token"
	Zone    *time.Location
	// Agents and Campaigns are those that there are, all of which Env names. Of any other name, and of a channel that the
	// platform does not have, the API has no row.
	Agents    []string
	Campaigns []string
	// MaxLoad is the number of resource-hours (times channels) above which a
	// query "took too long" and answers 408. Zero: 20,000; negative: no limit.
	MaxLoad int
	Dates   DateStyle
	// Hubs are the outbound hubs; nil: one of each type.
	Hubs []Hub
	// Loading is how long a list that was accepted is loading, by the Real clock. Zero: 2s.
	Loading time.Duration
	// ResponseZone is the JVM's default zone when the server writes dates in it
	// whatever was asked; nil: the zone of the request.
	ResponseZone *time.Location
}

// DateStyle is how the uContact server's Java writes a date.
type DateStyle uint8

const (
	DateJava9   DateStyle = iota // Sep 8, 2025, 9:00:00 AM
	DateJava8                    // Sep 8, 2025 9:00:00 AM
	DateJava20                   // Sep 8, 2025, 9:00:00<U+202F>AM
	DateNoBreak                  // Sep 8, 2025, 9:00:00<U+00A0>AM
	DateISO                      // 2025-09-08T09:00:00Z, which no client can expect
)

// ChatTonicOptions shape the Chat-Tonic API.
type ChatTonicOptions struct {
	Address            string
	Codename           string // empty: "acme"
	Username, Password string // empty: "reports@acme.example", "correct horse"
	// StaticToken is accepted besides tokens from a login, for ever. With it,
	// Env names a codename and a token instead of user name and password.
	StaticToken string
	// TokenLife is how long a login's token is accepted, by the Real clock. Zero: 1h.
	TokenLife time.Duration
	Zone      *time.Location // the team's working hours
	// ResponseZone is the zone of dashboard labels; nil: UTC, BigQuery's default.
	ResponseZone *time.Location
	// DateZero makes the dashboard answer one ungrouped row dated "0", as in the vendor's sample.
	DateZero bool
	// Minutes reports operators' durations in minutes instead of seconds.
	Minutes bool
	// NPSStatus is the status code of the NPS export's answer. Zero: 202.
	NPSStatus int
	// Mail delivers what the vendor mails; nil: nobody receives it.
	Mail func(Mail)
}

// DialpadOptions shape the Dialpad API and its download host.
type DialpadOptions struct {
	Address         string
	DownloadAddress string
	Token           string // empty: "dialpad-key"
	Zone            *time.Location
	// Processing is how long a new report takes by the Clock, and
	// ProcessingPolls how many looks at it answer "processing" however long it
	// took; zero polls: 1, negative: none.
	Processing      time.Duration
	ProcessingPolls int
	Limits          DialpadLimits
	Lives           DialpadLives
	// HistoryLag is how far the tables behind days_ago lag. Zero: 4h; negative: none.
	HistoryLag time.Duration
	// Download says where download_url points to.
	Download DownloadStyle
	CSV      CSVStyle
	// Refused lists exports that the vendor does not make: "csat records", "texts stats".
	Refused []string
	// UnknownTargets answers empty reports for ids that do not exist, instead of 404.
	UnknownTargets bool
	// Neighbours says what becomes of questions about offices, call centres and the like.
	Neighbours NeighbourStyle
	// LateListening lets voicemails be heard up to two days later, so that
	// old rows change.
	LateListening bool
}

// DialpadLimits are what the API host serves before it answers 429.
type DialpadLimits struct {
	// Posts to /stats are served per Window (sliding, by the Real clock).
	// Zero: 200 in 1h; negative: no limit.
	Posts  int
	Window time.Duration
	// Rate is requests per second of the whole API host. Zero: 20; negative: no limit.
	Rate int
	// RetryAfter is how a 429 names the time to wait.
	RetryAfter RetryAfterStyle
}

// DialpadLives are how long the vendor keeps things, by the vendors' clock.
type DialpadLives struct {
	// CacheDays and CacheToday are how long identical parameters answer from
	// the cache. Zero: 3h and 30m; negative: not at all.
	CacheDays, CacheToday time.Duration
	// ID is when a report id dies: first 400 "Results have expired", from twice
	// its life on 404. Zero: 1h.
	ID time.Duration
	// Link is when a download link dies. Zero: 1h.
	Link time.Duration
}

// NeighbourStyle says what the API host answers to all but statistics.
type NeighbourStyle uint8

const (
	// NeighboursServed: as the vendor's OpenAPI document has it.
	NeighboursServed NeighbourStyle = iota
	// NeighboursPage: 404 and plain text, as a gateway that knows the statistics alone.
	NeighboursPage
	// NeighboursError: 404 and the vendor's error document.
	NeighboursError
)

// RetryAfterStyle says what a 429 carries; no source shows what the vendor sends.
type RetryAfterStyle uint8

const (
	RetryAfterNone RetryAfterStyle = iota
	RetryAfterSeconds
	RetryAfterDate
)

// DownloadStyle says where a report's download_url points to; the vendor's
// pages do not tell.
type DownloadStyle uint8

const (
	// DownloadSigned: another host, which like a signed storage link refuses
	// requests that carry an Authorization header.
	DownloadSigned DownloadStyle = iota
	// DownloadFromAPI: the API host, which wants the key.
	DownloadFromAPI
	// DownloadRedirect: the API host, without the key, redirects to the signed link.
	DownloadRedirect
	// DownloadAPIRedirect: the API host wants the key and redirects to the signed link.
	DownloadAPIRedirect
)

// CSVStyle is how report files are written.
type CSVStyle struct {
	BOM      bool
	CRLF     bool
	QuoteAll bool
	// BlankBody sends nothing at all, not even a header, when a report has no rows.
	BlankBody bool
	// ExtraColumns are appended to every header, as the vendor did between months.
	ExtraColumns []string
	// DropColumn leaves a column out, header and cells.
	DropColumn string
	// ShiftDays moves the days of newly made reports, as a file cached on another day.
	ShiftDays int
	// Spill adds the rows of so long before and after the asked days.
	Spill time.Duration
	// Shuffle mixes the asked days hour by hour instead of sending one after the other.
	Shuffle bool
	// Milliseconds is the unit of recordings' durations, instead of minutes.
	Milliseconds bool
	// BareQuotes writes a quote inside unquoted cells where it can, against RFC 4180.
	BareQuotes bool
}
