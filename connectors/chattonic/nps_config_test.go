package chattonic

import (
	"slices"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

func TestTheInboxIsAMailboxOrAFolder(t *testing.T) {
	const columns = "score=Puntuación, date=Fecha ,text=Comentario"
	for _, tc := range []struct {
		name, from, password, columns, request string
		fault, says                            string // the variable's end, and what is wrong; empty: nothing
	}{
		{"a folder", "/data/nps", "", columns, "", "", ""},
		{"a folder's URL", "file:///data/nps", "", columns, "true", "", ""},
		{"a mailbox", "imaps://reports@mail.acme.example/NPS", "hush-hush", columns, "", "", ""},
		{"a user with an @, and a port", "imaps://reports%40acme.example@mail.acme.example:1993/INBOX", "hush-hush", columns, "", "", ""},
		{"imap on loopback", "imap://reports@127.0.0.1:1143/INBOX", "hush-hush", columns, "", "", ""},
		{"imap elsewhere", "imap://reports@mail.acme.example/INBOX", "hush-hush", columns, "", "NPS_FROM", "imap is for loopback only"},
		{"a password in the address", "imaps://reports:hush-hush@mail.acme.example/INBOX", "", columns, "", "NPS_FROM", "must not hold the password"},
		{"no user", "imaps://mail.acme.example/INBOX", "hush-hush", columns, "", "NPS_FROM", "names no user"},
		{"no mailbox", "imaps://reports@mail.acme.example/", "hush-hush", columns, "", "NPS_FROM", "names no mailbox"},
		{"no password", "imaps://reports@mail.acme.example/INBOX", "", columns, "", "NPS_PASSWORD", "is required"},
		{"a password for a folder", "/data/nps", "hush-hush", columns, "", "NPS_PASSWORD", "is no mailbox"},
		{"a bucket", "gs://acme/nps", "", columns, "", "", ""},
		{"another bucket", "s3://acme/nps?region=eu-central-1", "", columns, "", "", ""},
		{"no bucket", "gs:///nps", "", columns, "", "NPS_FROM", "names no bucket"},
		{"another scheme", "ftp://acme.example/nps", "", columns, "", "NPS_FROM", "neither a folder, nor a place in a bucket, nor a mailbox"},
		{"a home", "~/nps", "", columns, "", "NPS_FROM", "begins with"},
		{"no columns", "/data/nps", "", "", "", "NPS_COLUMNS", "is required"},
		{"no score", "/data/nps", "", "date=Fecha", "", "NPS_COLUMNS", "no column of the score"},
		{"a strange role", "/data/nps", "", "score=S,user=U", "", "NPS_COLUMNS", `role "user"`},
		{"a role twice", "/data/nps", "", "score=S,score=T", "", "NPS_COLUMNS", "score twice"},
		{"a column twice", "/data/nps", "", "score=S,text=S", "", "NPS_COLUMNS", "for two roles"},
		{"no role", "/data/nps", "", "Puntuación", "", "NPS_COLUMNS", "not role=column"},
		{"neither true nor false", "/data/nps", "", columns, "yes", "NPS_REQUEST", "neither true nor false"},
		{"columns without an inbox", "", "", columns, "", "NPS_COLUMNS", "does nothing without"},
		{"a request without an inbox", "", "", "", "true", "NPS_REQUEST", "does nothing without"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := Config{Token: "t", Codename: "acme", URL: "https://chat.example", Timezone: "UTC",
				NPSFrom: tc.from, NPSPassword: tc.password, NPSColumns: tc.columns, NPSRequest: tc.request}
			s, faults := c.Settings(Prefix)
			if tc.fault == "" {
				if len(faults) > 0 {
					t.Fatal(faults)
				}
				if want := (npsColumns{"Puntuación", "Fecha", "Comentario"}); s.nps.columns != want {
					t.Errorf("columns %+v", s.nps.columns)
				}
				nps := Streams(s, "default", pipeline.Policy{})[2]
				if len(nps.Missing) > 0 || nps.Format == nil || !nps.Chosen(nil) {
					t.Errorf("the stream is not read by default: %+v", nps)
				}
				return
			}
			if len(faults) != 1 || faults[0].Variable != Prefix+tc.fault || !strings.Contains(faults[0].String(), tc.says) {
				t.Errorf("faults %v", faults)
			}
			if slices.ContainsFunc(faults, func(f pipeline.ConfigError) bool { return strings.Contains(f.String(), "hush-hush") }) {
				t.Errorf("the password is told: %v", faults)
			}
		})
	}
}

func TestAnAccountMayLackTheInboxThatOthersHave(t *testing.T) {
	c := Config{Token: "t", Codename: "acme", URL: "https://chat.example", Timezone: "UTC", NPSColumns: "score=S", NPSRequest: "true"}
	if s, faults := c.Settings("WINDROW_CHATTONIC_MX_"); len(faults) > 0 || s.nps.placed() {
		t.Errorf("%v, %v", s, faults)
	}
}

func TestPromise08_TheDigestOfNPSFollowsItsColumnsAndItsZone(t *testing.T) {
	digest := func(change func(*Config)) string {
		c := Config{Token: "t", Codename: "acme", URL: "https://chat.example", Timezone: "UTC", NPSFrom: "/data", NPSColumns: "score=S,date=D"}
		change(&c)
		s, faults := c.Settings(Prefix)
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		return Streams(s, "default", pipeline.Policy{})[2].Settings
	}
	base := digest(func(*Config) {})
	for name, tc := range map[string]struct {
		change func(*Config)
		other  bool
	}{
		"another column":      {func(c *Config) { c.NPSColumns = "score=S,date=Fecha" }, true},
		"a text more":         {func(c *Config) { c.NPSColumns = "score=S,date=D,text=T" }, true},
		"another zone":        {func(c *Config) { c.ResponseZone = "America/Bogota" }, true},
		"another folder":      {func(c *Config) { c.NPSFrom = "/elsewhere" }, false},
		"asking":              {func(c *Config) { c.NPSRequest = "true" }, false},
		"the operators' unit": {func(c *Config) { c.DurationUnit = "minutes" }, false},
	} {
		if got := digest(tc.change); got != base != tc.other {
			t.Errorf("%s: changed %v", name, got != base)
		}
	}
}
