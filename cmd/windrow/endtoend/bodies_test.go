package endtoend

import (
	"fmt"
	"testing"

	"github.com/windrow-data/windrow/connectors/vendorsim"
)

func TestAnAnswerThatBreaksOffOnceIsReadAgainFromItsStart(t *testing.T) {
	for host, stream := range map[string]string{"download": "dialpad.calls", "ucontact": "ucontact.campaigns", "chattonic": "chattonic.dashboard"} {
		t.Run(stream, func(t *testing.T) {
			s := newSite(t)
			whole := s.empty(t)
			want := whole.mustSync(stream)
			path := ""
			if host == "chattonic" {
				path = "/api/v1/acme/stats"
			}
			s.world.Inject(vendorsim.Fault{Host: host, Path: path, Kind: vendorsim.FaultCut, Times: 1})
			got := s.mustSync(stream)
			sameRows(t, s.contents(), whole.contents())
			if a, b := streamOf(t, got, stream), streamOf(t, want, stream); a.Read != b.Read || a.Rows != b.Rows {
				t.Errorf("%+v, want %+v", a, b)
			}
		})
	}
}

func TestEveryWayToWriteACSVGivesTheSameRows(t *testing.T) {
	for name, style := range map[string]vendorsim.CSVStyle{
		"a byte order mark":      {BOM: true},
		"CRLF":                   {CRLF: true},
		"every cell quoted":      {QuoteAll: true},
		"quotes in plain cells":  {BareQuotes: true},
		"all of it":              {BOM: true, CRLF: true, QuoteAll: true},
		"bare quotes, BOM, CRLF": {BareQuotes: true, BOM: true, CRLF: true},
	} {
		t.Run(name, func(t *testing.T) {
			plain := newSite(t)
			plain.mustSync("dialpad.calls", "dialpad.texts", "dialpad.voicemails", "dialpad.calls_stats")
			s := newSite(t, func(o *vendorsim.Options) { o.Dialpad.CSV = style })
			s.mustSync("dialpad.calls", "dialpad.texts", "dialpad.voicemails", "dialpad.calls_stats")
			sameRows(t, s.contents(), plain.contents())
		})
	}
}

func TestAddedColumnsAreKeptInExtras(t *testing.T) {
	s := newSite(t, func(o *vendorsim.Options) { o.Dialpad.CSV.ExtraColumns = []string{"mood", "weather"} })
	s.mustSync("dialpad.calls")
	if got := s.query("SELECT count(*) FILTER (json_exists(extras, '$.mood')), count(*) FROM {events}"); got[0] == "" || got[0][0] == '0' {
		t.Fatalf("rows with the new column and all rows: %s", got[0])
	}
}

func TestDownloadsOfEveryKindAreRead(t *testing.T) {
	for _, style := range []vendorsim.DownloadStyle{vendorsim.DownloadSigned, vendorsim.DownloadFromAPI, vendorsim.DownloadRedirect, vendorsim.DownloadAPIRedirect} {
		t.Run(fmt.Sprint(style), func(t *testing.T) {
			s := newSite(t, func(o *vendorsim.Options) { o.Dialpad.Download, o.Gzip = style, true })
			if st := streamOf(t, s.mustSync("dialpad.texts"), "dialpad.texts"); st.Rows == 0 {
				t.Fatalf("%+v", st)
			}
			for _, call := range s.world.Log() {
				if call.Host == "download" && call.Authorization {
					t.Fatal("the key went to the download host")
				}
			}
		})
	}
}
